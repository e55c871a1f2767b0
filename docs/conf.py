"""The website of the series: Sphinx, MyST-NB and Furo, from the committed notebooks.

sphinx-build -W --keep-going -c docs . docs/_build/html    as `make site` does

The source folder is the project's root, so that the links between notebooks, pictures
and pages are the same here as on GitHub. MathJax comes from tests/node_modules, and the
finished site asks no other host for anything.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MATHJAX = ROOT / "tests/node_modules/mathjax/es5"
# Where the project and its website live: what links to either is left out until
# [project.urls] says it.
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
URLS = tomllib.loads(PYPROJECT)["project"].get("urls", {})
REPOSITORY = URLS.get("Repository", "").rstrip("/")
# **Exercise 01.1. Build** ..., or **07.1** ...
EXERCISE = re.compile(r"^(?:(\*\*)Exercise |\*\*)(\d\d\.\d)(?:\.|\*\*) ", re.MULTILINE)
TITLES = {  # of pages that a program writes, and that hold nothing but tables
    "notebooks/ledger": "The ledger",
    "notebooks/beyond/ledger": "The ledger beyond",
    "benchmarks/speed": "The race",
    "benchmarks/costs": "What else costs how much",
}

project = "A neural network from scratch"
copyright = "2026 The nbhelpers authors. Text, code and pictures: MIT licence"
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/*.md",
    "notebooks/**",
    "benchmarks/*.md",
    "data/README.md",
]
viewcode_follow_imported_members = False  # each function at home in its own module
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"  # of a block that names no language
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = project
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "",
    "top_of_page_buttons": ["edit"],
}
html_baseurl = URLS.get("Documentation", "").rstrip("/")
html_context = {"html_baseurl": html_baseurl}
html_favicon = "site/static/favicon.svg"
templates_path = ["site/templates"]
html_static_path = ["site/static"]
html_extra_path = ["site/index.html"]
html_css_files = ["site.css"]
html_js_files = ["scroll.js"]
html_copy_source = False
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"]]},
    "options": {"enableMenu": False},
}


def for_the_site(app, docname, source):
    """Links to modules lead to the reference; pictures have words, exercises heads."""
    up = "../" * docname.count("/")
    text = re.sub(
        r"\]\((?:\.\./)*nbhelpers/(?:beyond/)?(\w+)\.py\)",
        rf"]({up}docs/reference.md#\1)",
        source[0],
    )
    if REPOSITORY:  # known here, so what waits for it can be shown
        name = REPOSITORY.removeprefix("https://github.com/")
        text = text.replace("OWNER/REPOSITORY", name)
        text = text.replace("<!-- site\n", "\n").replace("\nsite -->", "\n")
    if app.env.doc2path(docname).suffix == ".ipynb":
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if "alt" in cell["metadata"]:
                cell["metadata"]["mystnb"] = {"image": {"alt": cell["metadata"]["alt"]}}
            if cell["cell_type"] == "markdown":
                words = "".join(cell["source"])
                cell["source"] = EXERCISE.sub(r"### Exercise \2\n\n\1", words)
        text = json.dumps(notebook)
    title = TITLES.get(docname)
    source[0] = f"# {title}\n\n{text}" if title else text


def as_it_stands(app, what, name, obj, options, lines):
    """Docstrings are aligned by hand: show them as `help` does."""
    lines[:] = [".. code-block:: text", "", *("   " + line for line in lines), ""]


def bring_mathjax(app, error):
    """Copy what the pages load of MathJax."""
    target = Path(app.outdir) / "_static/mathjax"
    if error is None and not target.exists():
        shutil.copytree(MATHJAX / "output/chtml", target / "output/chtml")
        shutil.copy(MATHJAX / "tex-chtml.js", target)


def setup(app):
    """Sphinx calls this."""
    if not MATHJAX.is_dir():
        raise FileNotFoundError(f"{MATHJAX} is missing: run `npm ci` in tests")
    app.connect("source-read", for_the_site)
    app.connect("autodoc-process-docstring", as_it_stands)
    app.connect("build-finished", bring_mathjax)
