"""What a lesson page needs beside its lesson: measured numbers with their bounds, calls
that must fail, exercises that answer, the ledger of the series, and the check that the
module is the code on the page.

The supporting cast: knows nothing of networks.
"""

import ast
import inspect
import linecache
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import numpy as np

HEADER = (
    "| notebook | idea | parameters | epochs | seconds | train | validation | seeds |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def expect(what, value, low, high, digits=4):
    """Print what was measured, and assert that it lies between low and high.

    For a number that differs between machines, in a cell tagged nbval-ignore-output.
    digits: how many significant digits are printed. NaN fails.
    """
    bounds = f"{low:g} to {high:g}"
    assert low <= value <= high, f"{what} {value}, expected {bounds}"
    print(f"{what} {value:.{digits}g} (asserted {bounds})")


def refusal(call, *arguments, **options):
    """The message of the ValueError or AssertionError that this call must raise."""
    try:
        call(*arguments, **options)
    except (ValueError, AssertionError) as error:
        return str(error)
    raise AssertionError(f"{one_line(call)} accepted what it should refuse")


def exercise(name, attempt, *cases):
    """Try an answer and print whether it is right.

    attempt: the reader's function. cases: pairs (arguments, wanted) with the arguments
    in a tuple and wanted the result, compared in shape and to a relative 1e-6, or a
    function of the result that returns None where it is right and else what is wrong.
    A stub returns `...` and counts as not attempted.
    """
    for arguments, wanted in cases:
        try:
            got = attempt(*deepcopy(arguments))
        except Exception as error:
            print(
                f"Exercise {name}: not yet. It raised {type(error).__name__}: {error}"
            )
            return
        if got is ...:
            print(f"Exercise {name}: not attempted yet.")
            return
        try:
            own_rule = callable(wanted) and got is not None
            fault = wanted(got) if own_rule else difference(got, wanted)
        except Exception as error:
            fault = f"The result {one_line(got)} cannot be checked: {error}."
        if fault:
            print(f"Exercise {name}: not yet. {fault}")
            told = one_line(tuple(filter(is_plain, arguments)))
            if told and len(told) < 400:
                print(f"The arguments were {told}")
            return
    print(f"Exercise {name}: right.")


def difference(got, wanted):
    """What is wrong with a result, as a sentence; None where it is as wanted."""
    if isinstance(wanted, str):
        return None if got == wanted else f"Expected {wanted!r}, got {got!r}."
    if got is None:
        return "It returned nothing: is there a return?"
    try:
        got_array = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return f"Expected numbers, got {type(got).__name__}."
    wanted_array = np.asarray(wanted, dtype=float)
    if got_array.shape != wanted_array.shape:
        return f"Expected shape {wanted_array.shape}, got {got_array.shape}."
    if np.allclose(got_array, wanted_array, rtol=1e-6, atol=1e-9):
        return None
    return f"Expected {one_line(wanted_array)}, got {one_line(got_array)}."


def is_plain(value):
    """Whether printed it tells a reader something: no function, no made-up object."""
    return np.asarray(value).dtype.kind != "O"


def one_line(value):
    """A value in one line, floats to four digits, long arrays by their shape."""
    if isinstance(value, tuple):
        return ", ".join(one_line(each) for each in value)
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"an array of shape {value.shape}"
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, separator=", ")
        return " ".join(text.split()).removesuffix(".")  # a single number: 9, not 9.
    if callable(value):
        return getattr(value, "__name__", repr(value))
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def ledger(number, idea, *, parameters, epochs, seconds, train, validation, seeds):
    """The series so far: the rows of the earlier notebooks, then this one's.

    train, validation: accuracies in [0, 1], or None. The earlier rows are read from
    ledger.md beside the notebook, which holds what each notebook measured.
    """
    measured = [
        "-" if value is None else f"{100 * value:.1f} %"
        for value in (train, validation)
    ]
    cells = [f"{number:02d}", idea, f"{parameters:,}", epochs, f"{seconds:.1f}"]
    row = "| " + " | ".join(map(str, [*cells, *measured, seeds])) + " |\n"
    stored = Path("ledger.md")
    lines = stored.read_text(encoding="utf-8").splitlines() if stored.exists() else []
    rows = [line for line in lines if line[2:4].isdigit() and int(line[2:4]) < number]
    return Table(HEADER + "".join(f"{line}\n" for line in rows) + row)


class Table(str):
    """Markdown that a notebook shows as a table, and a terminal as it is."""

    __repr__ = _repr_markdown_ = str.__str__


def kept(module, page):
    """Assert that the module is the code on this page, and print what it holds.

    page: the notebook's globals(). Each function, class and constant of the module must
    have, comments included, the text of a cell that was run.
    """
    here = set()
    for entry in linecache.cache.values():
        if entry[1:2] == (None,):  # a cell: a file would have its time of change
            with suppress(SyntaxError):
                here |= definitions("".join(entry[2])).items()
    there = definitions(inspect.getsource(module))
    for name, text in there.items():
        where = f"{module.__name__}.{name} is not"
        assert name in page, f"{where} on this page"
        assert (name, text) in here, f"{where} the code on this page"
    print(f"{module.__name__} is the code on this page: {', '.join(there)}")


def definitions(code):
    """The source of each function, class and constant of some code, by name."""
    lines, found = code.splitlines(), {}
    for node in ast.parse(code).body:
        first, *_ = [*getattr(node, "decorator_list", []), node]
        text = "\n".join(lines[first.lineno - 1 : node.end_lineno])
        for target in getattr(node, "targets", [node]):  # of a constant
            if name := getattr(target, "name", getattr(target, "id", None)):
                found[name] = text
    return found
