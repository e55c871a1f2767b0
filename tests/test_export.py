"""The export: what it makes, what it refuses, and what its check finds.

Faults are planted in a made-up series; `tools/export.py --check` is of the real one.
"""

import base64
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

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
NINTH = "notebooks/beyond/09_ninth.ipynb"


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


def test_a_page_beyond_makes_a_module_and_a_ledger_beyond(root):
    text = (root / "nbhelpers/beyond/ninth.py").read_text()
    assert text.startswith(
        '"""Ninth: powers."""\n\nfrom nbhelpers.second import twice\n'
    )
    lines = (root / "notebooks/beyond/ledger.md").read_text().splitlines()
    assert lines[2:] == ["| 09 | powers | 0.3 |"]


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


def test_a_file_is_written_whole_or_not_at_all(root, monkeypatch, capsys):
    change_source(root / FIRST, "def add", "#| export\ndef add(a, b):\n    return 0")
    before = contents(root)

    def fail(*_):
        raise OSError(28, "the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    assert export.main(["--root", str(root)]) == 1
    said = "nbhelpers/first.py cannot be written: the disk is full\n"
    assert capsys.readouterr().err == said
    assert contents(root) == before


def test_exports_at_the_same_time_do_not_disturb_one_another(tmp_path):
    texts = [bytes([65 + n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: export.write(tmp_path / "module.py", text), texts))
    assert (tmp_path / "module.py").read_bytes() in texts
    assert len(list(tmp_path.iterdir())) == 1


# ---- what cannot be exported: a sentence each, and every old file stays


def cell(words, new):
    """A fault: another source for the cell that holds these words."""
    return lambda root: change_source(root / SECOND, words, new)


def file(text):
    """A fault: a notebook with this text."""
    return lambda root: (root / SECOND).write_text(text)


def half_a_surrogate_pair(root):
    text = (root / SECOND).read_text()
    (root / SECOND).write_text(text.replace("print(1 + 2)", "'\\ud800'"))


def renamed(name):
    """A fault: another name for the second notebook, a copy of which stays behind."""
    return lambda root: shutil.copy(root / SECOND, root / "notebooks" / name)


def picture(data):
    """A fault: these data below the cell that draws."""

    def plant(root):
        def change(cells):
            shown = cell_with(cells, "#| image").outputs[0]
            shown.data["image/png"] = data

        edit(root / SECOND, change)

    return plant


CELL_WITHOUT_OUTPUTS = """{
"metadata": {}, "nbformat": 4, "nbformat_minor": 5, "cells": [
{"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}, "source": ""}]}
"""
IN_2 = f"{SECOND} cell 5 (In [2]): "
NO_PYTHON = f"{IN_2}nbhelpers/second.py would not compile, "
NO_PICTURE = f"{SECOND} cell 11 (In [5]): images/product.png is damaged"


@pytest.mark.parametrize(
    "plant, said",
    [
        (file("{ this is no JSON"), f"{SECOND}: cannot be read"),
        (file(""), f"{SECOND}: cannot be read"),
        (file("[]"), f"{SECOND}: cannot be read"),
        (file(CELL_WITHOUT_OUTPUTS), f"{SECOND}: cannot be read, 'outputs' is a"),
        (half_a_surrogate_pair, f"{SECOND}: cannot be read, 'utf-8' codec"),
        (cell("def twice", "#| export\ndef twice(a:"), f"{NO_PYTHON}'(' was never"),
        (cell("def twice", "#| export\nreturn 1"), f"{NO_PYTHON}'return' outside"),
        (cell("def twice", "#| export\nawait twice()"), f"{NO_PYTHON}'await' outside"),
        (cell("def twice", "#| export\ndef f(a, a): 1"), f"{NO_PYTHON}duplicate"),
        (cell("def twice", "#| export\n'\0'"), "would not compile, source code"),
        (cell("def twice", "#| export\ndef thrice(): 1"), "thrice is defined 2 times"),
        (cell("def twice", "#|export\n1"), f"{IN_2}no use for the line '#|export'"),
        (cell("def twice", "#| export \n1"), f"{IN_2}no use for the line '#| export '"),
        (cell("def twice", "#| export\r\n1"), "no use for the line '#| export\\r'"),
        (cell("def twice", "1\n#| export\n2"), f"{IN_2}no use for the line"),
        (picture("!!!"), NO_PICTURE),
        (picture(PICTURE[:-20]), NO_PICTURE),
        (picture(base64.b64encode(b"a word").decode()), NO_PICTURE),
        (renamed("2nd.ipynb"), "notebooks/2nd.ipynb: its name is not NN_name.ipynb"),
        (renamed("03_lambda.ipynb"), "03_lambda.ipynb: its name is not NN_name.ipynb"),
        (renamed("03_datasets.ipynb"), "nbhelpers/datasets.py is written by hand"),
        (renamed("03_Lesson.ipynb"), "nbhelpers/Lesson.py is written by hand"),
        (renamed("03_first.ipynb"), f"{FIRST} has its number or name"),
        (renamed("01_other.ipynb"), f"{FIRST} has its number or name"),
        (renamed("beyond/02_other.ipynb"), f"{SECOND} has its number or name"),
        (renamed("beyond/3.ipynb"), "notebooks/beyond/3.ipynb: its name is not NN_"),
    ],
)
def test_a_fault_is_named_and_every_old_file_stays(root, plant, said, capsys):
    (root / "nbhelpers/datasets.py").write_text('"""By hand."""\n')
    plant(root)
    before = contents(root)
    assert export.main(["--root", str(root)]) == 1
    assert said in capsys.readouterr().err
    assert contents(root) == before


def test_what_is_whole_is_exported_beside_what_is_not(root):
    change_source(root / FIRST, "def add", "#| export\ndef add(a, b):\n    return 0")
    (root / SECOND).write_text("")
    assert export.main(["--root", str(root)]) == 1
    assert "return 0" in (root / "nbhelpers/first.py").read_text()


def test_a_folder_without_notebooks_is_not_well(tmp_path, capsys):
    assert export.main(["--root", str(tmp_path), "--check"]) == 1
    assert "notebooks has no NN_name.ipynb" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["--check"]])
def test_a_folder_in_the_place_of_a_module(root, command, capsys):
    (root / "nbhelpers/first.py").unlink()
    (root / "nbhelpers/first.py").mkdir()
    (root / "nbhelpers/second.py").unlink()
    assert export.main(["--root", str(root), *command]) == 1
    assert "nbhelpers/first.py " in capsys.readouterr().err
    assert (root / "nbhelpers/second.py").exists() != bool(command)


# ---- what only the check finds

FAULTS = {}


def finds(words):
    """Mark a function that plants a fault, with words of what check must say of it."""

    def register(plant):
        FAULTS[plant.__name__] = plant, words
        return plant

    return register


@finds(f"nbhelpers/second.py line 13 is not what {SECOND} cell 7 (In [3]) says")
def hand_lengthened_module(root):
    with open(root / "nbhelpers/second.py", "a") as file:
        file.write("\n\nextra = 1\n")


@finds(f"nbhelpers/second.py line 3 is not what {SECOND} cell 3 (In [1]) says")
def module_in_latin_1(root):
    (root / "nbhelpers/second.py").write_bytes(b'"""Second: products."""\n\n# \xe9\n')


@finds(f"nbhelpers/second.py line 11 is not what {SECOND} cell 7 (In [3]) says")
def unexported_change(root):
    new = "#| export\ndef thrice(a):\n    return 3 * a"
    change_source(root / SECOND, "def thrice", new)


@finds(f"nbhelpers/first.py line 13 is not what {FIRST} cell 28 (In [ ]) says")
def new_cell_at_the_end(root):
    new = "#| export\ndef third(a):\n    return a / 3"
    edit(root / FIRST, lambda cells: cells.append(code(new)))


@finds("nbhelpers/third.py has no notebook")
def module_without_notebook(root):
    (root / "nbhelpers/third.py").write_text('"""From nowhere."""\n')


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
    export.export(root)


@finds(f"nbhelpers/second.py line 3, {SECOND} cell 3 (In [1]), imports beyond.ninth")
def import_from_beyond(root):
    new = '#| export\n"""Second."""\n\nfrom nbhelpers.beyond import ninth'
    change_source(root / SECOND, "Second: products", new)
    export.export(root)


@finds(f"nbhelpers/beyond/ninth.py line 3, {NINTH} cell 3 (In [1]), imports checkpoint")
def import_from_above_beyond(root):
    new = '#| export\n"""Ninth."""\n\nfrom ..checkpoint import save'
    change_source(root / NINTH, "Ninth: powers", new)
    export.export(root)


@finds(f"nbhelpers/beyond/ninth.py line 7 is not what {NINTH} cell 5 (In [2]) says")
def hand_edited_module_beyond(root):
    path = root / "nbhelpers/beyond/ninth.py"
    path.write_text(path.read_text().replace("/ 2", "// 2"))


@finds("nbhelpers/beyond/third.py has no notebook")
def module_without_notebook_beyond(root):
    (root / "nbhelpers/beyond/third.py").write_text('"""From nowhere."""\n')


@finds("nbhelpers/figures.py line 2 imports first")
def import_of_a_lesson_below_the_lessons(root):
    path = root / "nbhelpers/figures.py"
    path.write_text("import math\nfrom nbhelpers import first\n")


@finds("nbhelpers/figures.py cannot be read: invalid syntax")
def hand_written_module_that_is_no_python(root):
    (root / "nbhelpers/figures.py").write_text("import import\n")


@finds("nbhelpers/figures.py cannot be read: 'utf-8' codec")
def hand_written_module_in_latin_1(root):
    (root / "nbhelpers/figures.py").write_bytes(b"# \xe9\n")


@finds("nbhelpers/figures.py cannot be read: Is a directory")
def folder_in_the_place_of_a_hand_written_module(root):
    (root / "nbhelpers/figures.py").unlink()
    (root / "nbhelpers/figures.py").mkdir()


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


@finds(f"{SECOND} cell 3 (In [1]): nbhelpers/second.py must open with a docstring")
def missing_docstring(root):
    change_source(root / SECOND, "Second: products", "#| export\nx = 1")
    export.export(root)


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds(root, fault):
    plant, words = FAULTS[fault]
    plant(root)
    assert words in "\n".join(export.check(root))


# ---- running the notebooks


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


@pytest.mark.parametrize(
    "source, said",
    [
        ("missing", "CellExecutionError: "),
        ("import os; os._exit(1)", "DeadKernelError: Kernel died"),
        ("import time; time.sleep(60)", "CellTimeoutError: "),
    ],
)
def test_a_failing_notebook_is_left_as_it_was(
    tmp_path, source, said, capsys, monkeypatch
):
    monkeypatch.setattr(run_notebooks, "TIMEOUT", 5)
    broken = notebook("# 01", code('#| export\n"""A toy."""'), code(source))
    path = write(tmp_path, "01_broken.ipynb", broken)
    (tmp_path / "nbhelpers").mkdir()
    before = path.read_bytes()
    assert run_notebooks.main(root=tmp_path) == 1
    assert capsys.readouterr().err.startswith(said)
    assert path.read_bytes() == before


def test_all_notebooks_are_run_lessons_before_solutions(root, monkeypatch):
    ran = []
    monkeypatch.setattr(run_notebooks, "execute", lambda path, _: ran.append(path))
    run_notebooks.main(root=root)
    assert [path.relative_to(root / "notebooks").as_posix() for path in ran] == [
        "01_first.ipynb",
        "02_second.ipynb",
        "beyond/09_ninth.ipynb",
        "solutions/01_first.ipynb",
        "solutions/02_second.ipynb",
        "beyond/solutions/09_ninth.ipynb",
    ]


@pytest.mark.parametrize("name", ["notebooks/04_none.ipynb", "elsewhere.ipynb"])
def test_only_notebooks_of_the_series_are_run(root, name, capsys):
    shutil.copy(root / FIRST, root / "elsewhere.ipynb")
    assert run_notebooks.main([str(root / name)], root) == 1
    assert f"{name} is no notebook in " in capsys.readouterr().err
