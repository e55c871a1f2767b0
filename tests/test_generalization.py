"""Measuring honestly: the split, the report, dropout and early stopping."""

import math

import numpy as np
import pytest

from nbhelpers.dynamic_network import Network
from nbhelpers.generalization import (
    Dropout,
    EarlyStopping,
    precision,
    report,
    split,
)
from nbhelpers.layers import Layer

# ------------------------------------------------------------- split

Y = np.repeat([0, 1, 2], [40, 21, 11])  # sorted, as files often are
X = 10.0 * np.arange(len(Y))[:, None]


def rows_of(seed):
    """The rows, numbered from 0, of the two parts of a split by a quarter."""
    parts = split(X, Y, 0.25, np.random.default_rng(seed))
    for x, y in parts:
        np.testing.assert_array_equal(Y[(x[:, 0] / 10).astype(int)], y)
    return [(x[:, 0] / 10).astype(int).tolist() for x, _ in parts]


def test_split_holds_out_the_fraction_of_each_class_and_loses_no_row():
    first, second = rows_of(0)
    assert np.bincount(Y[first]).tolist() == [30, 16, 8]
    assert np.bincount(Y[second]).tolist() == [10, 5, 3]  # of 5.25 and of 2.75
    assert sorted(first + second) == list(range(len(Y)))


def test_split_depends_on_the_generator_alone():
    assert rows_of(0) == rows_of(0)
    assert sorted(rows_of(0)[1]) != sorted(rows_of(1)[1])


def test_split_holds_out_every_row_equally_often():
    often = np.bincount([row for seed in range(400) for row in rows_of(seed)[1]])
    assert len(often) == len(Y) and 60 < often.min() and often.max() < 140  # of 100


def test_split_returns_both_parts_in_random_order():
    for part in (0, 1):
        leads = [Y[rows_of(seed)[part][0]] for seed in range(200)]
        share = np.bincount(leads, minlength=3) / 200
        np.testing.assert_allclose(share, np.bincount(Y) / len(Y), atol=0.12)
        rows = rows_of(0)[part]
        within = [row for row in rows if Y[row] == 0]
        assert within != sorted(within)


def test_split_takes_images_and_lists():
    images = np.arange(72 * 4).reshape(72, 2, 2)
    (x, y), _ = split(images, Y.tolist(), 0.25, np.random.default_rng(0))
    assert x.shape == (54, 2, 2) and y.tolist() == Y[x[:, 0, 0] // 4].tolist()


# ------------------------------------------------------------- report


def test_report_by_hand():
    truth, answer = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    assert report(truth, answer, ["cat", "dog", "bird"]) == (
        "             precision  recall      F1    rows\n"
        "cat               1.00    0.67    0.80       3\n"  # 2 of 2, 2 of 3
        "dog               0.50    0.50    0.50       2\n"  # 1 of 2, 1 of 2
        "bird              0.50    1.00    0.67       1\n"  # 1 of 2, 1 of 1
        "macro mean        0.67    0.72    0.66       6\n"
        "accuracy                              0.67"
    )


def test_report_makes_room_for_long_names_and_warns_of_an_absent_class():
    with pytest.warns(UserWarning) as said:
        table = report([0, 0], [0, 1], ["a name of 20 letters", 7, "none"])
    assert table.split("\n")[:4] == [
        "                     precision  recall      F1    rows",
        "a name of 20 letters      1.00    0.50    0.67       2",
        "7                         0.00    0.00    0.00       0",
        "none                      0.00    0.00    0.00       0",
    ]
    assert [str(one.message) for one in said] == [
        "precision: 0/0 for [2] is taken as 0.0",
        "recall: 0/0 for [1, 2] is taken as 0.0",
        "f1: 0/0 for [2] is taken as 0.0",
    ]
    assert {one.filename for one in said} == {__file__}


def test_a_choice_is_what_it_says_not_the_same_object():
    average = "".join(["ma", "cro"])
    assert precision([0, 1, 1], [0, 1, 1], average) == 1.0


# ------------------------------------------------------------- dropout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_zeroes_a_share_and_scales_the_rest(dtype):
    layer = Dropout(0.2, np.random.default_rng(0))
    x = np.full((200, 300), 4, dtype)
    y = layer.forward(x)
    assert y.dtype == dtype and (x == 4).all()
    assert np.unique(y).tolist() == [0, 5]  # 4 / (1 - 0.2)
    assert (y == 0).mean() == pytest.approx(0.2, abs=0.01)
    for axis in (0, 1):  # not whole rows or columns
        assert (y == 0).mean(axis=axis).max() < 0.4
    dy = np.full_like(x, 8)
    np.testing.assert_array_equal(layer.backward(dy), 2 * y)
    np.testing.assert_array_equal(layer.predict(x), x)
    assert (layer.forward(x) != y).any()


def test_dropout_of_nothing_and_from_a_generator():
    x = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_array_equal(Dropout(0, np.random.default_rng(0)).forward(x), x)
    one, two, other = (Dropout(0.5, np.random.default_rng(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.forward(x), two.forward(x))
    assert (one.forward(x) != other.forward(x)).any()


# ------------------------------------------------------------- early stopping

NAN = math.nan
STOPS = {  # what is watched, its numbers, the patience, the last epoch, the best
    "one worse is too many": ("validation_loss", [3, 2, 2.5, 1], 1, 3, 2),
    "one worse is forgiven": ("validation_loss", [3, 2, 2.5, 1, 2, 2], 2, 6, 4),
    "an equal one is no better": ("validation_loss", [3, 2, 2, 2, 1], 2, 4, 2),
    "worse from the start": ("loss", [1, 2, 3, 4], 3, 4, 1),
    "accuracy is better higher": ("validation_accuracy", [0.5, 0.9, 0.8, 1], 1, 3, 2),
    "that of training too": ("accuracy", [0.5, 0.6, 0.5], 1, 3, 2),
    "any other is better lower": ("validation_error", [0.5, 0.4, 0.6], 1, 3, 2),
    "NaN is no better": ("validation_loss", [3, NAN, 2, NAN, NAN], 2, 5, 3),
    "NaN from the start": ("validation_accuracy", [NAN, NAN, 0.1], 2, 2, 0),
    "NaN, then a number": ("validation_accuracy", [NAN, 0.1, 0], 1, 1, 0),
    "never": ("validation_loss", [5, 4, 3, 2, 1], 1, None, 5),
}


class Counting(Layer):
    """A layer with a parameter and a state, both the number of the epoch."""

    def __init__(self):
        super().__init__(w=np.zeros(2))
        self.state["mean"] = np.zeros(3)

    def set(self, epoch):
        self.params["w"][...] = self.state["mean"][...] = epoch


@pytest.mark.parametrize("case", STOPS)
def test_early_stopping(case):
    watch, numbers, patience, last, best = STOPS[case]
    layer, stop = Counting(), EarlyStopping(patience, watch)
    network, ended = Network(layer), None
    for epoch in range(1, len(numbers) + 1):
        layer.set(epoch)
        if stop(network, {watch: numbers[:epoch], "epoch": [0] * epoch}):
            ended = epoch
            break
    assert (ended, stop.best_epoch) == (last, best)
    if best:
        for _ in range(2):  # what is kept stays, whatever becomes of the network
            stop.restore(network)
            assert (layer.params["w"] == best).all()
            assert (layer.state["mean"] == best).all()
            layer.set(-1)


def test_early_stopping_waits_five_epochs_for_the_validation_loss():
    layer, stop = Counting(), EarlyStopping()
    history = {"loss": [], "validation_loss": []}
    for epoch in range(1, 7):
        history["loss"].append(-epoch)
        history["validation_loss"].append(epoch)
        assert stop(Network(layer), history) is (epoch == 6)
