"""What a page says of itself: its exercises, its bounds, its ledger, its module."""

import importlib.util
import linecache
import subprocess
import sys

import numpy as np
import pytest

from nbhelpers import lesson
from nbhelpers.lesson import exercise, expect, kept, ledger, refusal

# ---- exercises


def verdict(capsys, attempt, *cases):
    exercise("0.1", attempt, *cases)
    return capsys.readouterr().out.removeprefix("Exercise 0.1: ")


def double(x):
    return 2 * x


ROW = np.array([1.0, 2.0])
CASES = [((3,), 6), ((ROW,), [2, 4])]


def too_large(result):
    return None if result < 10 else f"{result} is not below 10."


@pytest.mark.parametrize(
    "attempt, cases",
    [
        (double, CASES),
        (double, [((3,), too_large)]),
        (lambda: "boot", [((), "boot")]),
        (lambda: [1 + 5e-7, 5e-10], [((), [1, 0])]),  # rounding
    ],
)
def test_a_right_answer(capsys, attempt, cases):
    assert verdict(capsys, attempt, *cases) == "right.\n"


@pytest.mark.parametrize("cases", [CASES, [((3,), too_large)], [((3,), "boot")]])
def test_an_untouched_stub(capsys, cases):
    assert verdict(capsys, lambda x: ..., *cases) == "not attempted yet.\n"


@pytest.mark.parametrize(
    "attempt, cases, words",
    [
        (lambda x: x + 3, CASES, "Expected [2., 4.], got [4., 5.]."),
        (lambda x: 2 * x + 1e-4, CASES, "Expected 6, got 6.0001."),
        (lambda: 1 + 2e-6, [((), 1)], "Expected 1, got"),
        (lambda: 1e-8, [((), 0)], "Expected 0, got 1.e-08."),
        (lambda x: None, CASES, "It returned nothing: is there a return?"),
        (lambda x: None, [((3,), too_large)], "is there a return?"),
        (lambda x: [2 * x], CASES, "Expected shape (), got (1,)."),
        (lambda x: "six", CASES, "Expected numbers, got str."),
        (lambda: "shirt", [((), "boot")], "Expected 'boot', got 'shirt'."),
        (lambda x: np.nan * x, CASES, "Expected 6, got nan."),
        (lambda: np.nan, [((), np.nan)], "got nan."),
        (lambda x: x / 0, CASES, "It raised ZeroDivisionError: division by zero"),
        (lambda: 6, CASES, "It raised TypeError"),
        (double, [((7,), too_large)], "14 is not below 10.\nThe arguments were 7\n"),
        (
            lambda: (1, 2),
            [((), lambda result: sum(result) + "x")],
            "The result 1, 2 cannot be checked: unsupported",
        ),
    ],
)
def test_a_wrong_answer(capsys, attempt, cases, words):
    said = verdict(capsys, attempt, *cases)
    assert said.startswith("not yet. ") and said.count("not yet") == 1
    assert words in said, said


def test_arguments_in_one_line(capsys):
    arguments = (double, 0.123456, ROW / 3, np.zeros((3, 5)), [1, 2])
    said = verdict(capsys, lambda *_: 1, (arguments, 2))
    wanted = "0.1235, [0.3333, 0.6667], an array of shape (3, 5), [1, 2]\n"
    assert said.partition("The arguments were ")[2] == wanted
    assert "arguments" not in verdict(capsys, len, (("x" * 400,), 2))


def test_the_answer_cannot_spoil_the_cases(capsys):
    def in_place(x):
        x *= 2
        return x

    row = ROW.copy()
    assert verdict(capsys, in_place, ((row,), [2, 4]), ((row,), [2, 4])) == "right.\n"


# ---- bounds, refusals


@pytest.mark.parametrize(
    "value, digits, said",
    [
        (0.98034, {}, "0.9803 (asserted 0.5 to 12)"),
        (np.float32(0.98034), {"digits": 2}, "0.98 (asserted 0.5 to 12)"),
        (12, {}, "12 (asserted 0.5 to 12)"),
        (0.5, {}, "0.5 (asserted 0.5 to 12)"),
    ],
)
def test_a_number_within_its_bounds(capsys, value, digits, said):
    expect("test accuracy", value, 0.5, 12.0, **digits)
    assert capsys.readouterr().out == f"test accuracy {said}\n"


@pytest.mark.parametrize("value", [0.9729999, 0.9870001, np.float32(1.5), np.nan])
def test_a_number_out_of_its_bounds(value):
    with pytest.raises(AssertionError) as failed:
        expect("test accuracy", value, 0.973, 0.987)
    assert str(failed.value) == f"test accuracy {value}, expected 0.973 to 0.987"


def picky(x, *, error):
    if x < 0:
        raise error(f"{x} is below 0")


@pytest.mark.parametrize("error", [ValueError, AssertionError])
def test_a_refusal(error):
    assert refusal(picky, -1, error=error) == "-1 is below 0"
    with pytest.raises(AssertionError, match="^picky accepted what it should refuse$"):
        refusal(picky, 1, error=error)


def test_a_slip_is_no_refusal():
    with pytest.raises(TypeError):
        refusal(picky, "one", error=ValueError)


# ---- the ledger

ROWS = [f"| 0{k} | idea {k} | 1 | 1 | 1.0 | - | 50.0 % | 1 |\n" for k in (1, 2, 3)]
NUMBERS = {"parameters": 101_770, "epochs": 10, "seconds": 3.14159, "seeds": 3}


def test_the_ledger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = "| 02 | deep | 101,770 | 10 | 3.1 | 90.1 % | - | 3 |\n"
    table = ledger(2, "deep", train=0.9012, validation=None, **NUMBERS)
    assert table == lesson.HEADER + row
    stored = lesson.HEADER + "".join(ROWS)
    (tmp_path / "ledger.md").write_text(stored, encoding="utf-8")
    table = ledger(2, "deep", train=0.9012, validation=None, **NUMBERS)
    assert table == lesson.HEADER + ROWS[0] + row
    assert table._repr_markdown_() == repr(table) == str(table)
    table = ledger(12, "deep", train=0, validation=1, **NUMBERS)
    assert table.startswith(stored) and table.endswith("| 0.0 % | 100.0 % | 3 |\n")


def test_it_needs_no_ipython():
    code = "import sys; sys.modules['IPython'] = None; import nbhelpers.lesson"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- the module and its page

MODULE = '''
"""A made-up module."""

import functools

KINDS = SORTS = ("slow", "fast")


def same(call):
    @functools.wraps(call)
    def checked(*arguments):
        return call(*arguments)

    return checked


@same
def double(x):
    return 2 * x  # both


class Base:
    def __init_subclass__(cls, size=0):
        cls.size = size

    def __getattr__(self, name):
        return name


class Step(Base, size=2):
    names = ("left", "right")

    @same
    def length(self):
        return 1
'''
CELLS = [f"#| export\n{text}" for text in MODULE.strip().split("\n\n\n")]
LESSON = ["a, b = 1, 2\nKIND = a.b = double(a)", "print(1", "class Step:\n    pass"]
NAMES = ["KINDS", "SORTS", "same", "double", "Base", "Step"]


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("toy", path)
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    return toy


@pytest.fixture
def run(monkeypatch):
    """Leave the text of these cells where IPython leaves it."""

    def leave(cells):
        lines = [cell.splitlines(keepends=True) for cell in cells]
        cache = {f"cell {k}": (9, None, text, "cell") for k, text in enumerate(lines)}
        monkeypatch.setattr(linecache, "cache", {"not read yet": (None,), **cache})

    return leave


def test_the_module_is_the_code_on_its_page(module, run, capsys):
    run([*CELLS, *LESSON])
    kept(module, dict.fromkeys(NAMES))
    said = f"toy is the code on this page: {', '.join(NAMES)}\n"
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    "name, here, there",
    [
        ("KINDS", '"slow"', '"slower"'),
        ("same", "return checked", "return call"),
        ("double", "2 * x", "3 * x"),
        ("double", "# both", "# each"),
        ("double", "@same\ndef double", "def double"),
        ("Base", "return name", "return self"),
        ("Step", "(Base, size=2)", "(Base, size=3)"),
        ("Step", '"left"', '"up"'),
        ("Step", "@same", "@property"),
        ("Step", "return 1", "return 2"),
    ],
)
def test_the_module_is_not_the_code_on_its_page(module, run, name, here, there):
    (cell,) = [cell for cell in CELLS if here in cell and name in cell]
    assert cell.count(here) == 1
    run([text.replace(here, there) if text is cell else text for text in CELLS])
    for _ in range(2):  # the second time the module's own file has been read
        with pytest.raises(AssertionError, match=f"^toy.{name} is not the code on"):
            kept(module, dict.fromkeys(NAMES))
    with pytest.raises(AssertionError, match=f"^toy.{name} is not on this page$"):
        kept(module, dict.fromkeys({*NAMES} - {name}))
