"""Every page as GitHub shows it, in a browser: wide and narrow, light and dark.

Not part of `make test`: it takes a minute, and needs Node, Chromium and the packages of
this folder (`npm ci`). `make web` runs it.
"""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
MATHJAX = WEB / "node_modules/mathjax/MathJax.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGES = [
    *sorted((ROOT / "notebooks").rglob("*.ipynb")),
    *sorted(ROOT.glob("*.md")),
    *(
        p
        for d in ("notebooks", "docs", "data")
        for p in sorted((ROOT / d).glob("*.md"))
    ),
    ROOT / "benchmarks/README.md",
]


def browser():
    """The path of the browser; the test is skipped with a word where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip("Chromium is not installed")
    if not shutil.which("node") or not MATHJAX.is_file():
        pytest.skip("Node or the packages are missing: run `npm ci` in the folder web")
    return found


def rendered(path):
    """The page as GitHub makes it of a notebook or Markdown file, without scripts."""
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    else:
        body = markdown2html(path.read_text(encoding="utf-8"))
    body = re.sub(r"(?s)<script.*?</script>|<style.*?</style>", "", body)
    # The sign behind each heading is Jupyter's, and GitHub leaves it out.
    body = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", body)
    base = f'<base href="{html.escape(path.parent.as_uri())}/">'
    return base + body


def seen(pages, folder):
    """What is wrong with the pages, given as {name: HTML}, as sentences."""
    frame = (WEB / "page.html").read_text(encoding="utf-8")
    frame = frame.replace("MATHJAX", f"{MATHJAX.as_uri()}?config=TeX-AMS_CHTML")
    files = {}
    for name, body in pages.items():
        file = folder / f"{len(files)}.html"
        base = re.match(r"<base[^>]*>", body)
        page = frame.replace("BODY", body[base.end() if base else 0 :])
        if base:  # in front of nothing but what is read after it
            page = page.replace("<body>", f"{base[0]}<body>", 1)
        file.write_text(page, encoding="utf-8")
        files[name] = file
    return look(files)


def look(files):
    """What a browser sees to be wrong with the pages {name: file}, as sentences."""
    listed = [{"name": name, "path": str(file)} for name, file in files.items()]
    done = subprocess.run(
        ["node", "look.mjs", browser()],
        cwd=WEB,
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return [f"{f['name']}, {f['view']}: {f['fault']}" for f in json.loads(done.stdout)]


def test_every_page_looks_right(tmp_path):
    browser()
    pages = {path.relative_to(ROOT).as_posix(): rendered(path) for path in PAGES}
    faults = seen(pages, tmp_path)
    assert not faults, "\n".join(faults)


PLANTED = {
    "formula left as source": "<p>The sum is \\(a + b\\) and c.</p>",
    "formula refused": "<p>The sum is $a + \\nosuchmacro{b}$.</p>",
    "picture not loaded": '<img src="nowhere.png" alt="A picture that is not there.">',
    "picture without alt text": '<img src="nowhere.png">',
    "anchor leads nowhere": '<p><a href="#section-99">there</a></p>',
    "text runs out of the page": f"<p style='white-space: nowrap'>{'long ' * 300}</p>",
    "contrast": '<p style="color: #aaa; background: #fff">pale</p>',
    "https://example.org/a.png": '<img alt="far away" src="https://example.org/a.png">',
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault, tmp_path):
    found = seen({"planted": PLANTED[fault]}, tmp_path)
    assert any(fault in line for line in found), found


def test_a_right_page_has_no_fault(tmp_path):
    page = "<h1>A page</h1><p>With $a_b$ and</p><p>$$\\frac12$$</p><pre>code</pre>"
    assert seen({"right": page}, tmp_path) == []
