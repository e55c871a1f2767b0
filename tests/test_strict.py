"""The comparison of nbval bites: one changed digit in a stored output is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toy_series import code, edit, notebook, prints, write

LESSONS = Path(__file__).resolve().parents[1] / "notebooks"


def change_a_digit(cells):
    """Add 1 to the last digit of the first output that is compared, and end there."""
    for number, cell in enumerate(cells, 1):
        if cell.cell_type == "code" and "tags" not in cell.metadata:
            for output in cell.outputs:
                found = re.search(r"\d(?=\D*$)", output.get("text", ""))
                if found:
                    digit = str((int(found[0]) + 1) % 10)
                    text, place = output.text, found.start()
                    output.text = text[:place] + digit + text[place + 1 :]
                    del cells[number:]
                    return
    pytest.fail("no cell prints a digit")


def change_the_computation(cells):
    cells[0].source = "x = 0.5"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What nbval says of the cells of each notebook, compared in one run."""
    root = tmp_path_factory.mktemp("strict")
    for name in ("untouched", "digit", "computation"):
        cells = code("x = 0.25"), code("print(x * x)", prints("0.0625\n"))
        write(root, f"{name}.ipynb", notebook(*cells))
    folder = root / "notebooks"
    for name in ("01_single_pass.ipynb", "ledger.md"):
        shutil.copy(LESSONS / name, folder)
    edit(folder / "digit.ipynb", change_a_digit)
    edit(folder / "01_single_pass.ipynb", change_a_digit)
    edit(folder / "computation.ipynb", change_the_computation)
    command = "pytest --nbval --nbval-current-env --nbval-cell-timeout=600 --tb=no -v"
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "-p", "no:cacheprovider", "."],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    said = {}
    line = re.compile(r"^(\w+)\W+ipynb::Cell \d+ ([A-Z]+)", re.MULTILINE)
    for name, verdict in line.findall(done.stdout):
        said.setdefault(name, []).append(verdict)
    return said


def test_what_is_as_stored_passes(verdicts):
    assert verdicts["untouched"] == ["PASSED", "PASSED"]


@pytest.mark.parametrize("changed", ["digit", "computation"])
def test_a_change_fails(verdicts, changed):
    assert verdicts[changed] == ["PASSED", "FAILED"]


def test_a_changed_digit_in_the_first_lesson_fails(verdicts):
    *before, last = verdicts["01_single_pass"]
    assert last == "FAILED"
    assert before and set(before) == {"PASSED"}
