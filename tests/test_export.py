"""The export: what it makes, what it refuses, and what its check finds.

Faults are planted in a made-up series; `tools/export.py --check` is of the real one.
"""

import base64
import os
import shutil

import pytest

import export
import run_notebooks
from toy_series import (
    PICTURE,
    cell_with,
    code,
    edit,
    notebook,
    prints,
    series,
    shows,
    write,
)

FIRST, SECOND = "notebooks/01_first.ipynb", "notebooks/02_second.ipynb"


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    """A project in which all is well."""
    root = tmp_path_factory.mktemp("well")
    series(root)
    assert export.export(root) == []
    assert export.check(root) == []
    return root


@pytest.fixture
def root(well, tmp_path):
    """A copy of it."""
    return shutil.copytree(well, tmp_path, dirs_exist_ok=True)


def contents(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def change_source(path, words, new):
    """Replace the source of the cell that holds these words."""

    def change(cells):
        cell_with(cells, words).source = new

    edit(path, change)


def test_a_module_is_its_marked_cells(root):
    text = (root / "nbhelpers/first.py").read_text()
    assert text == (
        '"""First: sums.\n\nExported from notebook 01.\n"""\n\nimport math\n\n\n'
        'def add(a, b):\n    """The sum."""\n    return math.fsum([a, b])\n'
    )


def test_a_picture_is_the_output_of_its_cell(root):
    assert (root / "images/sum.png").read_bytes() == base64.b64decode(PICTURE)


def test_the_ledger_has_the_last_row_of_every_notebook(root):
    lines = (root / "notebooks/ledger.md").read_text().splitlines()
    assert lines[0] == "| notebook | idea | seconds |"
    assert lines[2:] == ["| 01 | sums | 0.1 |", "| 02 | products | 0.2 |"]


def test_a_second_export_touches_no_file(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert export.export(root) == []
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_check_writes_nothing(root):
    (root / "nbhelpers/first.py").unlink()
    before = contents(root)
    assert export.check(root)
    assert contents(root) == before


def test_the_commands_end_as_they_should(root, capsys):
    assert export.main(["--root", str(root), "--check"]) == 0
    (root / "nbhelpers/second.py").write_text("# by hand\n")
    assert export.main(["--root", str(root), "--check"]) == 1
    assert "nbhelpers/second.py line 1" in capsys.readouterr().err
    assert export.main(["--root", str(root)]) == 0
    assert capsys.readouterr().out == "wrote nbhelpers/second.py\n"
    assert export.main(["--root", str(root), "--check"]) == 0


def test_a_file_is_written_whole_or_not_at_all(root, monkeypatch):
    change_source(root / FIRST, "def add", "#| export\ndef add(a, b):\n    return 0")
    before = contents(root)

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        export.export(root)
    assert contents(root) == before


@pytest.mark.parametrize(
    "text, words",
    [
        ("{ this is no JSON", f"{SECOND}: cannot be read"),
        ("", f"{SECOND}: cannot be read"),
        ("[]", f"{SECOND}: cannot be read"),
        (None, f"{SECOND} cell 5 (In [2]): nbhelpers/second.py would not compile"),
    ],
)
def test_a_broken_notebook_leaves_the_old_module(root, text, words, capsys):
    change_source(root / FIRST, "def add", "#| export\ndef add(a, b):\n    return 0")
    old = contents(root)
    if text is None:
        change_source(root / SECOND, "def twice", "#| export\ndef twice(a:")
    else:
        (root / SECOND).write_text(text)
    assert export.main(["--root", str(root)]) == 1
    assert words in capsys.readouterr().err
    changed = {
        path.relative_to(root).as_posix()
        for path, content in contents(root).items()
        if old[path] != content
    }
    assert changed == {SECOND, "nbhelpers/first.py"}  # the whole one is exported


FAULTS = {}


def finds(words):
    """Mark a function that plants a fault, with words of what check must say of it."""

    def register(plant):
        FAULTS[plant.__name__] = plant, words
        return plant

    return register


@finds(f"nbhelpers/second.py line 7 is not what {SECOND} cell 5 (In [2]) says")
def hand_edited_module(root):
    path = root / "nbhelpers/second.py"
    path.write_text(path.read_text().replace("add(a, a)", "2 * a"))


@finds(f"nbhelpers/second.py line 13 is not what {SECOND} cell 7 (In [3]) says")
def hand_lengthened_module(root):
    with open(root / "nbhelpers/second.py", "a") as file:
        file.write("\n\nextra = 1\n")


@finds(f"nbhelpers/second.py line 11 is not what {SECOND} cell 7 (In [3]) says")
def unexported_change(root):
    new = "#| export\ndef thrice(a):\n    return 3 * a"
    change_source(root / SECOND, "def thrice", new)


@finds("nbhelpers/third.py has no notebook")
def module_without_notebook(root):
    (root / "nbhelpers/third.py").write_text('"""From nowhere."""\n')


@finds("nbhelpers/second.py has no notebook")
def removed_notebook(root):
    (root / SECOND).unlink()


@finds(f"nbhelpers/second.py is missing: `make export` makes it from {SECOND}")
def removed_module(root):
    (root / "nbhelpers/second.py").unlink()


@finds(f"nbhelpers/first.py line 3, {FIRST} cell 3 (In [1]), imports second")
def import_from_a_later_module(root):
    new = '#| export\n"""First."""\n\nfrom nbhelpers.second import twice\nimport math'
    change_source(root / FIRST, "First: sums", new)
    export.export(root)


@finds(f"nbhelpers/first.py line 10, {FIRST} cell 5 (In [2]), imports second")
def relative_import_inside_a_function(root):
    new = "#| export\ndef add(a, b):\n    from . import second\n    return second"
    change_source(root / FIRST, "def add", new)
    export.export(root)


@finds(f"nbhelpers/second.py line 3, {SECOND} cell 3 (In [1]), imports checkpoint")
def import_from_above(root):
    new = '#| export\n"""Second."""\n\nimport nbhelpers.checkpoint'
    change_source(root / SECOND, "Second: products", new)
    (root / "nbhelpers/checkpoint.py").write_text('"""Above."""\n')
    export.export(root)


@finds("nbhelpers/figures.py line 2 imports first")
def import_of_a_lesson_below_the_lessons(root):
    path = root / "nbhelpers/figures.py"
    path.write_text("import math\nfrom nbhelpers import first\n")


@finds(f"{FIRST} cell 5 (In [2]): Undefined name `helper` in nbhelpers/first.py")
def name_defined_outside_the_exported_cells(root):
    change_source(root / FIRST, "print(1 + 2)", "def helper(a):\n    return a")
    new = "#| export\ndef add(a, b):\n    return helper(a) + b"
    change_source(root / FIRST, "def add", new)
    export.export(root)


@finds(f"images/sum.png is not the picture in {FIRST}")
def another_picture(root):
    (root / "images/sum.png").write_bytes(b"another")


@finds("images/photo.png is made by no notebook")
def picture_from_nowhere(root):
    (root / "images/photo.png").write_bytes(b"another")


@finds("images/sum.png is made by more than one cell")
def picture_made_twice(root):
    again = code("#| image: sum.png\nplt.show()", shows(image_png=PICTURE))
    edit(root / SECOND, lambda cells: cells.append(again))


@finds(f"{SECOND} cell 11 (In [5]): images/product.png needs one picture")
def cell_without_its_picture(root):
    edit(root / SECOND, lambda cells: cell_with(cells, "#| image").outputs.clear())


@finds("notebooks/ledger.md is not")
def hand_edited_ledger(root):
    path = root / "notebooks/ledger.md"
    path.write_text(path.read_text().replace("0.1", "0.01"))


@finds(f"{SECOND}: no ledger table")
def cell_without_its_ledger(root):
    edit(root / SECOND, lambda cells: cell_with(cells, "ledger(").outputs.clear())


@finds(f"{FIRST} cell 5 (In [2]): no use for the line '#|export'")
def misspelt_mark(root):
    change_source(root / FIRST, "def add", "#|export\ndef add(a, b):\n    return 0")


@finds(f"{FIRST} cell 5 (In [2]): no use for the line '# | export'")
def mark_with_a_space_too_many(root):
    change_source(root / FIRST, "def add", "# | export\ndef add(a, b):\n    return 0")


@finds(f"nbhelpers/first.py line 13 is not what {FIRST} cell 28 (In [ ]) says")
def new_cell_at_the_end(root):
    new = "#| export\ndef third(a):\n    return a / 3"
    edit(root / FIRST, lambda cells: cells.append(code(new)))


@finds(f"{FIRST} cell 7 (In [3]): no use for the line '#| export'")
def mark_below_the_first_line(root):
    change_source(root / FIRST, "print(1 + 2)", "x = 1\n#| export\ny = 2")


@finds(f"{SECOND} cell 3 (In [1]): nbhelpers/second.py must open with a docstring")
def missing_docstring(root):
    change_source(root / SECOND, "Second: products", "#| export\nx = 1")
    export.export(root)


@finds("notebooks/second.ipynb: its name is not NN_name.ipynb")
def misnamed_notebook(root):
    (root / SECOND).rename(root / "notebooks/second.ipynb")


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds(root, fault):
    plant, words = FAULTS[fault]
    plant(root)
    assert words in "\n".join(export.check(root))


def timed():
    source = "import time\n\nprint(time.perf_counter_ns())"
    return notebook(
        "# 01",
        code('#| export\n"""A toy."""'),
        code("print(1 + 1)", prints("2\n")),
        code(source, tags=["nbval-ignore-output"]),
        code("1 / 0", tags=["raises-exception"]),
    )


def test_running_twice_changes_nothing_the_second_time(tmp_path):
    path = write(tmp_path, "01_timed.ipynb", timed())
    (tmp_path / "nbhelpers").mkdir()
    run_notebooks.main(root=tmp_path)
    once = contents(tmp_path)
    assert "ZeroDivisionError" in once[path].decode()
    assert str(tmp_path) not in once[path].decode()
    run_notebooks.main(root=tmp_path)
    assert contents(tmp_path) == once


def test_a_changed_cell_brings_new_outputs(tmp_path):
    path = write(tmp_path, "01_timed.ipynb", timed())
    (tmp_path / "nbhelpers").mkdir()
    change_source(path, "print(1 + 1)", "print(1 + 1 + 1)")
    run_notebooks.main(root=tmp_path)
    assert '"3\\n"' in path.read_text()


def test_a_failing_notebook_is_left_as_it_was(tmp_path, capsys):
    broken = notebook("# 01", code('#| export\n"""A toy."""'), code("missing"))
    path = write(tmp_path, "01_broken.ipynb", broken)
    (tmp_path / "nbhelpers").mkdir()
    before = path.read_bytes()
    assert run_notebooks.main(root=tmp_path) == 1
    assert "name 'missing' is not defined" in capsys.readouterr().err
    assert path.read_bytes() == before
