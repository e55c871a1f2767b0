"""The website of the series: Sphinx, MyST-NB and Furo, from the committed notebooks.

sphinx-build -W --keep-going -c docs . docs/_build/html    as `make site` does

The source folder is the project's root, so that the links between notebooks, pictures
and pages are the same here as on GitHub. MathJax comes from tests/node_modules, and the
finished site asks no other host for anything.
"""

import json
import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MATHJAX = ROOT / "tests/node_modules/mathjax/es5"
# owner/name, which links to Binder and Colab need; GitHub's workflows set it.
REPOSITORY = os.environ.get("GITHUB_REPOSITORY", "")
TITLES = {  # of pages that a program writes, and that hold nothing but tables
    "notebooks/ledger": "The ledger",
    "benchmarks/speed": "The race",
    "benchmarks/costs": "What else costs how much",
}

project = "A neural network from scratch"
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
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
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = project
html_static_path = ["site/static"]
html_extra_path = ["site/index.html"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"]]},
    "options": {"enableMenu": False},
}


def for_the_site(app, docname, source):
    """Links to modules lead to the reference; pictures get their alternative text."""
    up = "../" * docname.count("/")
    text = re.sub(
        r"\]\((?:\.\./)?nbhelpers/(\w+)\.py\)",
        rf"]({up}docs/reference.md#\1)",
        source[0],
    )
    if REPOSITORY:  # known here, so what waits for it can be shown
        text = text.replace("OWNER/REPOSITORY", REPOSITORY)
        text = text.replace("<!-- site\n", "\n").replace("\nsite -->", "\n")
    if app.env.doc2path(docname).suffix == ".ipynb":
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if "alt" in cell["metadata"]:
                cell["metadata"]["mystnb"] = {"image": {"alt": cell["metadata"]["alt"]}}
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
