"""Every formula of every notebook and Markdown file is one that KaTeX takes, strictly.

This needs Node and its packages (`npm ci` in this folder); without them it is skipped.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$(?!\$)", re.DOTALL)
CODE = re.compile(r"(?ms)^(```|~~~).*?^\1|``.*?``|`[^`]*`")
FILES = [
    *sorted((ROOT / "notebooks").rglob("*.ipynb")),
    *sorted(ROOT.glob("*.md")),
    *(
        p
        for d in ("notebooks", "docs", "data")
        for p in sorted((ROOT / d).glob("*.md"))
    ),
]


def formulas(path):
    """Where it stands, the formula, and whether it stands on lines of its own."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [
            (f"{path.name}, cell {number}", cell.source)
            for number, cell in enumerate(cells)
            if cell.cell_type == "markdown"
        ]
    else:
        texts = [(path.name, path.read_text(encoding="utf-8"))]
    for where, text in texts:
        for found in FORMULA.finditer(CODE.sub("", text)):
            display = found[1] is not None
            yield {"where": where, "tex": found[1] or found[2], "display": display}


def refused(given):
    """Those of the formulas that KaTeX does not take, each with its reason."""
    if not shutil.which("node"):
        pytest.skip("Node is not installed, so KaTeX cannot be asked")
    if not (TESTS / "node_modules/katex").is_dir():
        pytest.skip("KaTeX is not installed: run `npm ci` in the folder tests")
    done = subprocess.run(
        ["node", "formulas.mjs"],
        cwd=TESTS,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


def test_katex_takes_every_formula():
    given = [formula for path in FILES for formula in formulas(path)]
    assert len(given) > 500, "the formulas were not found"
    faults = refused(given)
    assert not faults, "\n".join(
        f"{f['where']}: {f['tex']}\n  {f['error']}" for f in faults
    )


@pytest.mark.parametrize(
    "tex",
    [r"\frac{1}{", r"\nosuch{x}", r"\begin{align}a", "a_b_c", "x < é\\", "50 % &"],
)
def test_a_broken_formula_is_found(tex):
    found = refused([{"where": "here", "tex": tex, "display": False}])
    assert [fault["tex"] for fault in found] == [tex]


def test_formulas_are_found_where_they_stand(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("`$no$` $yes$, \\$5 and\n\n$$\nx\n$$\n\n```\n$no$\n```\n")
    assert [(f["tex"].strip(), f["display"]) for f in formulas(page)] == [
        ("yes", False),
        ("x", True),
    ]
