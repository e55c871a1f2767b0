"""The checks of the exercises: right, wrong and untouched answers hear their word."""

import numpy as np
import pytest

from nbhelpers.lesson import exercise


def verdict(capsys, attempt, *cases):
    exercise("0.1", attempt, *cases)
    return capsys.readouterr().out.removeprefix("Exercise 0.1: ")


def double(x):
    return 2 * x


ROW = np.array([1.0, 2.0])
CASES = [((3,), 6), ((ROW,), [2, 4])]


def too_large(result):
    return None if result < 10 else f"{result} is not below 10."


def test_a_right_answer(capsys):
    assert verdict(capsys, double, *CASES) == "right.\n"
    assert verdict(capsys, double, ((3,), too_large)) == "right.\n"
    assert verdict(capsys, lambda: "boot", ((), "boot")) == "right.\n"


@pytest.mark.parametrize("cases", [CASES, [((3,), too_large)], [((3,), "boot")]])
def test_an_untouched_stub(capsys, cases):
    assert verdict(capsys, lambda x: ..., *cases) == "not attempted yet.\n"


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda x: x + 3, "Expected [2., 4.], got [4., 5.]."),  # right for the first
        (lambda x: 2 * x + 1e-4, "Expected 6, got 6.0001."),
        (lambda x: None, "is there a return?"),
        (lambda x: [2 * x], "Expected shape (), got (1,)."),
        (lambda x: "six", "Expected numbers, got str."),
        (lambda x: np.nan * x, "got nan."),
        (lambda x: x / 0, "It raised ZeroDivisionError"),
        (lambda: 6, "It raised TypeError"),
    ],
)
def test_a_wrong_answer(capsys, attempt, words):
    said = verdict(capsys, attempt, *CASES)
    assert said.startswith("not yet. ")
    assert words in said, said


def test_a_wrong_answer_by_a_rule_of_its_own(capsys):
    said = verdict(capsys, double, ((7,), too_large))
    assert said == "not yet. 14 is not below 10.\nThe arguments were 7\n"
    assert verdict(capsys, lambda: "shirt", ((), "boot")).startswith("not yet. ")


def test_a_result_of_another_kind(capsys):
    said = verdict(capsys, lambda: (1, 2), ((), lambda result: sum(result) + "x"))
    assert said.startswith("not yet. The result 1, 2 cannot be checked: unsupported")


def test_the_answer_cannot_spoil_the_cases(capsys):
    def in_place(x):
        x *= 2
        return x

    row = ROW.copy()
    assert verdict(capsys, in_place, ((row,), [2, 4]), ((row,), [2, 4])) == "right.\n"
