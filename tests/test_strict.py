"""The comparison of nbval bites: one changed digit in a stored output is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toy_series import edit

LESSON = Path(__file__).resolve().parents[1] / "notebooks/01_single_pass.ipynb"


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


def test_a_changed_digit_in_the_first_lesson_fails(tmp_path):
    edit(shutil.copy(LESSON, tmp_path / "page.ipynb"), change_a_digit)
    command = "pytest --nbval --nbval-current-env --tb=no -v -p no:cacheprovider ."
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    *before, last = re.findall(r"ipynb::Cell \d+ ([A-Z]+)", done.stdout)
    assert last == "FAILED"
    assert before and set(before) == {"PASSED"}
