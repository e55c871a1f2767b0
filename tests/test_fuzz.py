"""Whatever comes, the answer is right or there is none: an error with a sentence.

Layers, losses and metrics are tried on arrays of any shape, order and dtype, which are
read-only, and with warnings made errors. Right is what the same thing gives for the
entries or rows one at a time; that this is what it should be say test_reference.py and
test_gradients.py.

A longer run: FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz.py
"""

import math
import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nbhelpers.generalization import (
    Dropout,
    accuracy,
    confusion_matrix,
    f1,
    precision,
    recall,
    report,
)
from nbhelpers.layers import Layer
from nbhelpers.losses import CrossEntropy, Loss
from nbhelpers.single_pass import cross_entropy, relu, sigmoid
from toys import variants

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 30))
everything = list(HealthCheck)
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=everything)
FLOATS = [np.float32, np.float64]
NUMBERS = [*FLOATS, np.int32, np.int64]
SHAPES = npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def arrays(draw, shape=SHAPES, dtypes=FLOATS, low=-1e4, high=1e4):
    """A read-only array of any order, with numbers from low to high."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    numbers = st.floats(
        float(np.float32(low)), float(np.float32(high)), width=32, allow_subnormal=False
    )
    if dtype.kind in "iu":
        numbers = st.integers(math.ceil(low), math.floor(high))
    array = draw(npst.arrays(dtype, shape, elements=numbers))
    array = np.array(array, order=draw(st.sampled_from("CF")))
    array.setflags(write=False)
    return array


REFUSED = "an error that has a sentence"


def outcome(call, *arguments):
    """What the call returns, or REFUSED; a warning is an error, and not refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return call(*arguments)
        except (ValueError, TypeError) as error:
            assert len(str(error).split()) > 3, repr(error)
            return REFUSED


def agree(got, wanted, dtype=np.float64, scale=1.0):
    """Numbers that differ by little, entry by entry."""
    assert got is not REFUSED
    dtype = np.dtype(dtype)
    tolerance = 2e-5 if dtype.kind == "f" and dtype.itemsize == 4 else 1e-11
    assert np.shape(got) == np.shape(wanted), f"{np.shape(got)}, {np.shape(wanted)}"
    np.testing.assert_allclose(got, wanted, tolerance, tolerance * scale)


# ----------------------------------------------------------------------------- layers

LAYERS = variants(Layer)
BY_ROWS = {name for name in LAYERS if name in ("Dense", "Softmax")}
BY_ENTRIES = [name for name in LAYERS if name not in BY_ROWS | {"Network"}]


def one_at_a_time(layer, parts, slopes):
    """What the layer gives for each of the parts alone, in float64, and its dx."""
    found = []
    for part, slope in zip(parts, slopes, strict=True):
        part, slope = (np.array([a], np.float64) for a in (part, slope))
        if isinstance(layer, Dropout):
            found.append((layer.predict(part)[0], slope[0]))
        else:
            found.append((layer.forward(part)[0], layer.backward(slope)[0]))
    return [y for y, _ in found], [dx for _, dx in found]


@pytest.mark.parametrize("name", BY_ENTRIES)
@fuzz
@given(x=arrays(), seed=seeds)
def test_entry_by_entry(name, x, seed):
    layer = LAYERS[name]()
    dy = np.random.default_rng(seed).normal(size=x.shape).astype(x.dtype)
    ys, dxs = one_at_a_time(layer, x.ravel(), dy.ravel())
    agree(outcome(layer.predict, x), np.reshape(ys, x.shape), x.dtype)
    if not isinstance(layer, Dropout):
        agree(outcome(layer.forward, x), np.reshape(ys, x.shape), x.dtype)
        agree(outcome(layer.backward, dy), np.reshape(dxs, x.shape), x.dtype)


@pytest.mark.parametrize("name", sorted(BY_ROWS))
@fuzz
@given(x=arrays(dtypes=NUMBERS, low=-200, high=200), seed=seeds)
def test_row_by_row(name, x, seed):
    layer = LAYERS[name]()
    width = vars(layer).get("n_in")
    if width and (x.ndim < 2 or x.shape[-1] != width):
        for verb in (layer.predict, layer.forward):
            assert outcome(verb, x) is REFUSED
        return
    assume(x.ndim > 1 and x.shape[-1] > 0)
    shape = layer.predict(np.ones((1, x.shape[-1]))).shape
    dy = np.random.default_rng(seed).normal(size=(*x.shape[:-1], shape[-1]))
    rows, slopes = x.reshape(-1, x.shape[-1]), dy.reshape(-1, shape[-1])
    ys, dxs = one_at_a_time(layer, rows, slopes)
    agree(outcome(layer.predict, x), np.reshape(ys, dy.shape), x.dtype, 1e3)
    agree(outcome(layer.forward, x), np.reshape(ys, dy.shape), x.dtype, 1e3)
    agree(outcome(layer.backward, dy), np.reshape(dxs, x.shape), x.dtype, 1e3)


@pytest.mark.parametrize("function", [relu, sigmoid])
@fuzz
@given(x=arrays(dtypes=NUMBERS))
def test_function_of_one_number(function, x):
    wanted = [function(np.float64(entry)) for entry in x.ravel()]
    agree(outcome(function, x), np.reshape(wanted, x.shape), x.dtype)


# ----------------------------------------------------------------------------- losses

LOSSES = variants(Loss)
OF_CLASSES = [
    name for name, made in LOSSES.items() if "classes" in made().takes.__name__
]
OF_ELEMENTS = [name for name in LOSSES if name not in OF_CLASSES]


@st.composite
def pairs(draw):
    """A prediction and its target, which may be of another shape or no number."""
    low, high = draw(st.sampled_from([(0, 1), (0, 1), (-1e3, 1e3)]))
    prediction = draw(arrays(low=low, high=high, dtypes=NUMBERS))
    shape = prediction.shape
    if draw(st.integers(0, 3)) == 0:
        shape = draw(st.sampled_from([shape[:1], (*shape, 1), (1,), shape[::-1], ()]))
    target = draw(arrays(shape, low=low, high=high, dtypes=NUMBERS))
    form = draw(st.sampled_from(["array"] * 8 + ["list", "text", "complex"]))
    if form == "list":
        return prediction.tolist(), target.tolist()
    kinds = {"array": target.dtype, "text": str, "complex": complex}
    return prediction, target.astype(kinds[form])


def in_unit_range(array):
    return ((array >= 0) & (array <= 1)).all()


def may_be_compared(rule, prediction, target):
    """Whether a loss with this rule has an answer."""
    if prediction.shape != target.shape or target.size == 0:
        return False
    if target.dtype.kind not in "fiub":
        return False
    return {
        "same_shape": True,
        "scores_and_probabilities": in_unit_range(target),
        "two_probabilities": in_unit_range(prediction) and in_unit_range(target),
    }[rule]


@pytest.mark.parametrize("name", OF_ELEMENTS)
@fuzz
@given(pair=pairs())
def test_loss_of_elements(name, pair):
    loss, alone = LOSSES[name](), LOSSES[name]()
    prediction, target = map(np.asarray, pair)
    got = outcome(loss.forward, *pair)
    if not may_be_compared(loss.takes.__name__, prediction, target):
        assert got is REFUSED
        return
    costs, slopes, dtype = [], [], prediction.dtype
    exact = np.float32 if dtype == np.float32 else np.float64  # where p is cut off
    for p, t in zip(prediction.ravel(), target.ravel(), strict=True):
        costs.append(alone.forward(np.array([p], exact), np.array([t])))
        slopes.append(alone.backward()[0] / target.size)
    agree(got, np.mean(costs), dtype, 1e3)
    agree(outcome(loss.backward), np.reshape(slopes, target.shape), dtype)


@st.composite
def scores_and_labels(draw):
    """Scores (n, k) and labels (n,), right or with one of many faults."""
    n, k = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    scores = draw(arrays((n, k), low=0, high=draw(st.sampled_from([1, 50]))))
    dtype = draw(st.sampled_from([np.int8, np.int64, np.uint8, np.uint64]))
    y = draw(npst.arrays(dtype, n, elements=st.integers(0, max(k - 1, 0))))
    fault = draw(st.sampled_from([None] * 6 + list(FAULTS)))
    return scores, FAULTS[fault](y, k) if fault else y


FAULTS = {
    "too large": lambda y, k: np.append(y[:-1], np.array([k], y.dtype)),
    "below 0": lambda y, k: np.append(y[:-1].astype(int), -1),
    "one less": lambda y, k: y[:-1],
    "one more": lambda y, k: np.append(y, np.array([0], y.dtype)),
    "column": lambda y, k: y[:, None],
    "one-hot": lambda y, k: np.eye(k + 1)[y],
    "float": lambda y, k: y * 1.0,
    "bool": lambda y, k: y > 0,
    "text": lambda y, k: y.astype(str),
    "number": lambda y, k: 0,
    "list": lambda y, k: y.tolist(),
}


def are_labels(scores, y):
    """Whether y has a class index for each row of the scores."""
    if scores.size == 0 or y.shape != (len(scores),) or y.dtype.kind not in "iu":
        return False
    return all(0 <= c < scores.shape[1] for c in y)


@pytest.mark.parametrize("name", OF_CLASSES)
@fuzz
@given(both=scores_and_labels())
def test_loss_of_classes(name, both):
    loss, alone = LOSSES[name](), LOSSES[name]()
    scores, y = both[0], np.asarray(both[1])
    got, dtype = outcome(loss.forward, *both), scores.dtype
    chances = name == "CrossEntropy"
    if not are_labels(scores, y) or (chances and not in_unit_range(scores)):
        assert got is REFUSED
        return
    costs, slopes = [], []
    for row, c in zip(scores, y, strict=True):  # its dtype decides what is cut off
        costs.append(alone.forward(row[None], [int(c)]))
        slopes.append(alone.backward()[0] / len(y))
    agree(got, np.mean(costs), dtype, 50)
    agree(outcome(loss.backward), slopes, dtype)
    if chances and min(costs) > 0 and max(costs) < -math.log(1e-12):
        agree(cross_entropy(scores, y), CrossEntropy().forward(scores, y), dtype)


# ---------------------------------------------------------------- measuring and data


def index_lists(size):
    """Class indices as a learner may have them: an array of many kinds, or a list."""
    kinds = st.sampled_from([np.int64, np.uint8, np.int8, np.float64, bool, str, list])
    return st.tuples(size, kinds).flatmap(
        lambda pair: st.lists(
            st.integers(-1 if pair[1] is np.int64 else 0, 4),
            min_size=pair[0],
            max_size=pair[0],
        ).map(lambda y: y if pair[1] is list else np.array(y, int).astype(pair[1]))
    )


def are_indices(y):
    y = np.asarray(y)
    return y.size > 0 and y.dtype.kind in "iu" and (y >= 0).all()


@st.composite
def truth_and_answer(draw):
    """Two lists of class indices, mostly of one length."""
    size = draw(st.integers(0, 20))
    other = size if draw(st.integers(0, 4)) else draw(st.integers(0, 20))
    return draw(index_lists(st.just(size))), draw(index_lists(st.just(other)))


def last_of_report(y, predicted):
    """The accuracy in its last line, with the 5 names that suffice."""
    return report(y, predicted, "abcde").splitlines()[-1]


METRICS = accuracy, confusion_matrix, precision, recall, f1, last_of_report


@pytest.mark.parametrize("metric", METRICS)
@fuzz
@given(pair=truth_and_answer())
def test_metric(metric, pair):
    """The same for any kind of array as for a list; the values are scikit-learn's."""

    def measured(y, predicted):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*0/0 for")
            return metric(y, predicted)

    got = outcome(measured, *pair)
    if not all(map(are_indices, pair)) or len(pair[0]) != len(pair[1]):
        assert got is REFUSED
        return
    y, predicted = (np.asarray(one).tolist() for one in pair)
    np.testing.assert_array_equal(got, measured(y, predicted))
    if metric is last_of_report:
        assert got.endswith(f" {accuracy(y, predicted):.2f}")
