"""What a lesson page needs beside its lesson: exercises that answer, the ledger of the
series, the check that the module is the code on the page.

The supporting cast: knows nothing of networks.
"""

import inspect
from copy import deepcopy
from pathlib import Path

import numpy as np
from IPython.display import Markdown

HEADER = (
    "| notebook | idea | parameters | epochs | seconds | train | validation | seeds |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


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
            fault = f"The result {shown(got)} cannot be checked: {error}."
        if fault:
            print(f"Exercise {name}: not yet. {fault}")
            if arguments and len(shown(arguments)) < 400:
                print(f"The arguments were {shown(arguments)}")
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
    return f"Expected {shown(wanted_array)}, got {shown(got_array)}."


def shown(value):
    """A value in one line, floats to four digits, long arrays by their shape."""
    if isinstance(value, tuple):
        return ", ".join(shown(v) for v in value)
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"an array of shape {value.shape}"
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, separator=", ")
        return " ".join(text.split()).removesuffix(".")  # a single number: 9, not 9.
    if callable(value):
        return value.__name__
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
    return Markdown(HEADER + "".join(f"{line}\n" for line in rows) + row)


def kept(module, page):
    """Assert that the module holds exactly the code of the page, and print its names.

    page: the notebook's globals(). Functions and methods are compared by their source
    text, comments included; constants by their values.
    """
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ or name.isupper()
    }
    for name, value in own.items():
        assert name in page, f"{module.__name__}.{name} is not on this page"
        here, there = source(page[name]), source(value)
        assert here == there, f"{module.__name__}.{name} is not the code on this page"
    print(f"{module.__name__} is the code on this page: {', '.join(own)}")


def source(value):
    """The text of a function; for a class that of its methods; else the value."""
    if inspect.isclass(value):
        members = {
            name: source(member)
            for name, member in vars(value).items()
            if name == "__doc__" or not name.startswith("__") or callable(member)
        }
        return [base.__name__ for base in value.__bases__], members
    if isinstance(value, property):
        return source(value.fget)
    if inspect.isfunction(value):
        return inspect.cleandoc(inspect.getsource(value))
    return value
