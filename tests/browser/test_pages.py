"""Every page as GitHub shows it, in a browser.

Not part of `make test`: it takes a minute, and needs Chromium. `make web` runs it.
"""

import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from look import MATHJAX, look

ROOT = Path(__file__).resolve().parents[2]
FRAME = Path(__file__).with_name("frame.html").read_text(encoding="utf-8")
PAGES = [
    *sorted((ROOT / "notebooks").rglob("*.ipynb")),
    *sorted(ROOT.glob("*.md")),
    *(
        p
        for d in ("notebooks", "docs", "data", "benchmarks")
        for p in sorted((ROOT / d).glob("*.md"))
    ),
]
LEFT_OUT = {  # all other rules of axe hold
    "empty-table-header": "the corner of a table with heads on two sides",
    "page-has-heading-one": "tables that a program writes",
    "scrollable-region-focusable": "long lines of code scroll on GitHub",
}


def rendered(path):
    """What GitHub makes of a notebook or Markdown file, without scripts."""
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    else:
        body = markdown2html(path.read_text(encoding="utf-8"))
    body = re.sub(r"(?s)<script.*?</script>|<style.*?</style>", "", body)
    # The sign behind each heading is Jupyter's, and GitHub leaves it out.
    return re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", body)


def framed(body, folder, file):
    """The file, in which the body stands in a page whose links start in the folder."""
    page = FRAME.replace("MATHJAX", MATHJAX.as_uri())
    page = page.replace("BASE", f"{folder.as_uri()}/").replace("BODY", body)
    file.write_text(page, encoding="utf-8")
    return file


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_page_looks_right(path, chromium, tmp_path):
    page = framed(rendered(path), path.parent, tmp_path / "page.html")
    faults = look(chromium, page, LEFT_OUT)
    assert not faults, "\n".join(faults)


PLANTED = {
    "formula left as source": "<details><p>The sum is \\(a + b\\).</p></details>",
    "formula refused": "<p>The sum is $a + \\nosuchmacro{b}$.</p>",
    "picture not loaded": '<img src="nowhere.png" alt="A picture that is not there.">',
    "anchor leads nowhere": '<p><a href="#section-99">there</a></p>',
    "text runs out of the page": f"<p style='white-space: nowrap'>{'long ' * 300}</p>",
    "pixels wide": "<p style='width: 500px'>wide</p>",
    "written by CSS": "<style>p::before { content: 'ERROR: wrong' }</style><p>a</p>",
    "refused: https:": '<img alt="far away" src="https://example.org/a.png">',
    "a script failed": "<script>throw new Error('a script failed')</script>",
    "picture without words": '<img src="nowhere.png" alt="">',
    "image-alt": '<img src="nowhere.png">',
    "color-contrast": '<p style="color: #aaa; background: #fff">pale</p>',
    ", light": "<style>span { color: #aaa }</style>"
    "<pre><span>pale</span><span>=</span></pre>",
    ", dark": "<style>p { color: #333 }</style><p>black on white only</p>",
    "link-name": '<p><a href="nowhere.html"></a></p>',
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault, chromium, tmp_path):
    found = look(chromium, framed(PLANTED[fault], tmp_path, tmp_path / "page.html"))
    assert any(fault in line for line in found), found


def test_a_right_page_has_no_fault(chromium, tmp_path):
    body = f"<h1>A page</h1><p>$a_b$</p><p>$$\\frac12$$</p><pre>{'code ' * 300}</pre>"
    page = framed(body, tmp_path, tmp_path / "page.html")
    assert look(chromium, page, LEFT_OUT) == []
