"""Every page of the built website in a browser, with links that lead somewhere.

`make site` builds it and runs this.
"""

import importlib.util
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from look import look

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs/_build/html"
PAGES = sorted(SITE.rglob("*.html"))
LINK = re.compile(r'<a\b[^>]*?\shref="([^"#]*)(?:#([^"]*))?"')


def dead_links(page):
    """Links within the site to a page or a place on it that is not there."""
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.is_file():
            yield f"{page.relative_to(SITE)}: no page {target}"
        elif anchor and there.suffix == ".html":
            if f'id="{anchor}"' not in there.read_text(encoding="utf-8"):
                yield f"{page.relative_to(SITE)}: no place #{anchor} on {there.name}"


def name(page):
    return page.relative_to(SITE).as_posix()


@pytest.mark.skipif(not PAGES, reason="the site is not built: run `make site`")
def test_the_pages_of_the_series_are_there():
    names = {name(page) for page in PAGES}
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        assert path.relative_to(ROOT).with_suffix(".html").as_posix() in names
    assert {"index.html", "search.html", "docs/reference.html"} <= names


@pytest.mark.skipif(not PAGES, reason="the site is not built: run `make site`")
def test_the_contents_of_a_page_list_its_exercises():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        asked = re.findall(r"exercise\(\\\"([\d.]+)", path.read_text("utf-8"))
        page = (SITE / f"notebooks/{path.stem}.html").read_text("utf-8")
        listed = re.findall(r'href="#[^"]*">Exercise ([\d.]+)<', page)
        assert asked and set(asked) <= set(listed), path.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_page_looks_right(page, chromium):
    faults = [*dead_links(page)]
    if page != SITE / "index.html":  # which only leads on
        faults += look(chromium, page)
    assert not faults, "\n".join(faults)


def test_a_dead_link_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("test_site.SITE", tmp_path)
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="gone.html">a</a><a class="x" href="#gone">b</a><a href="#y">c</a>'
        '<p id="y"><a href="https://example.org/z">d</a>',
        encoding="utf-8",
    )
    assert list(dead_links(page)) == [
        "page.html: no page gone.html",
        "page.html: no place #gone on page.html",
    ]


@pytest.mark.parametrize("name", ["", "someone/something"])
def test_what_needs_the_name_of_the_project_waits_for_it(name, tmp_path):
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if name:
        project += f'\n[project.urls]\nRepository = "https://github.com/{name}"\n'
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    file = shutil.copy(ROOT / "docs/conf.py", tmp_path / "docs")
    spec = importlib.util.spec_from_file_location("site_conf", file)
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda name: Path("a.md")))
    page = [(ROOT / "docs/getting_started.md").read_text(encoding="utf-8")]
    conf.for_the_site(app, "docs/getting_started", page)
    shown = re.sub("<!--.*?-->", "", page[0], flags=re.S)
    links = re.findall(r"\((https://[^)]*(?:binder|colab)[^)]*)\)", shown)
    assert len(links) == (2 if name else 0)
    edited = conf.html_theme_options["source_repository"]
    assert edited == (name and f"https://github.com/{name}")
    assert all(name in link and "01_single_pass.ipynb" in link for link in links)
    assert ("OWNER/REPOSITORY" in shown) == (not name)
