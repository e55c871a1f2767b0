"""The comparison of nbval bites: one changed digit in a stored output is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toys import code, edit, notebook, prints, write

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def run(path):
    """The last line of nbval comparing a notebook with its stored outputs."""
    command = "pytest --nbval --nbval-current-env --nbval-cell-timeout=600 --tb=no -q"
    options = ["-p", "no:cacheprovider", f"--rootdir={path.parent}", path.name]
    result = subprocess.run(
        [sys.executable, "-m", *command.split(), *options],
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    return result.stdout.splitlines()[-1]


def change_a_digit(cells):
    """Add 1 to the last digit of the first output that is compared and has one."""
    for cell in cells:
        if cell.cell_type == "code" and "tags" not in cell.metadata:
            for output in cell.outputs:
                found = re.search(r"\d(?=\D*$)", output.get("text", ""))
                if found:
                    digit = str((int(found[0]) + 1) % 10)
                    text, place = output.text, found.start()
                    output.text = text[:place] + digit + text[place + 1 :]
                    return
    pytest.fail("no cell prints a digit")


@pytest.fixture
def tiny(tmp_path):
    cells = code("x = 0.25"), code("print(x * x)", prints("0.0625\n"))
    return write(tmp_path, "tiny.ipynb", notebook(*cells))


def test_a_true_output_passes(tiny):
    assert run(tiny).startswith("2 passed")


def test_a_changed_digit_fails(tiny):
    edit(tiny, change_a_digit)
    assert "0.0626" in tiny.read_text(encoding="utf-8")
    assert run(tiny).startswith("1 failed, 1 passed")


def test_a_changed_computation_fails(tiny):
    def change(cells):
        cells[0].source = "x = 0.5"

    edit(tiny, change)
    assert run(tiny).startswith("1 failed, 1 passed")


def test_a_changed_digit_in_the_first_lesson_fails(tmp_path):
    for name in ("01_single_pass.ipynb", "ledger.md"):
        shutil.copy(NOTEBOOKS / name, tmp_path)
    path = tmp_path / "01_single_pass.ipynb"
    edit(path, change_a_digit)
    assert run(path).startswith("1 failed, ")
