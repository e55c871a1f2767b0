"""Whatever comes, the answer is right or there is none: an error with a sentence.

Every public function is tried on arrays of any shape, order and dtype, which are
read-only, and with warnings made errors. What is right is said by references written as
plainly as can be, one number at a time, with `math` in place of NumPy. What is tried in
another file stands in ELSEWHERE.

A longer run: FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz.py
"""

import importlib
import inspect
import math
import os
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nbhelpers import activations, datasets, losses, optimizers
from nbhelpers.activations import ELU, LeakyReLU, Softmax
from nbhelpers.dynamic_network import (
    GradientDescent,
    Network,
    batches,
    evaluate,
    mlp,
)
from nbhelpers.fashion_mnist import Centering
from nbhelpers.generalization import (
    Dropout,
    EarlyStopping,
    accuracy,
    confusion_matrix,
    f1,
    precision,
    recall,
    report,
    split,
)
from nbhelpers.layers import Dense, he, lecun, normal, xavier, zeros
from nbhelpers.losses import TINY, CrossEntropy, SoftmaxCrossEntropy
from nbhelpers.optimizers import (
    SGD,
    Adam,
    AdamW,
    NAdam,
    RMSprop,
    clip_gradients,
)
from nbhelpers.single_pass import (
    check_gradient,
    cross_entropy,
    dense,
    numerical_gradient,
    relu,
    sigmoid,
    softmax,
)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 30))
everything = list(HealthCheck)
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=everything)
FLOATS = [np.float32, np.float64]
NUMBERS = [*FLOATS, np.int32, np.int64]
SHAPES = npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
MATRICES = npst.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5)
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


class Refused(Exception):
    """How a reference says that there is no right answer."""


def outcome(call, *arguments):
    """What the call returns; Refused for an error that has a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return call(*arguments)
        except (ValueError, TypeError) as error:
            assert len(str(error).split()) > 3, repr(error)
            return Refused


def right(reference, *arguments):
    """What the reference returns, or Refused."""
    try:
        return reference(*arguments)
    except Refused:
        return Refused


def agree(got, wanted, dtype=np.float64, scale=1.0):
    """Both refused, or numbers that differ by little, entry by entry."""
    assert (got is Refused) == (wanted is Refused), f"got {got}, wanted {wanted}"
    if wanted is not Refused:
        dtype = np.dtype(dtype)
        tolerance = 2e-5 if dtype.kind == "f" and dtype.itemsize == 4 else 1e-11
        assert np.shape(got) == np.shape(wanted), f"{np.shape(got)}, {np.shape(wanted)}"
        np.testing.assert_allclose(got, wanted, tolerance, tolerance * scale)


def each(function, *several):
    """The function of each entry, one at a time, in an array like the first."""
    flat = zip(*(np.ravel(array).tolist() for array in several), strict=True)
    values = [function(*numbers) for numbers in flat]
    return np.array(values, float).reshape(several[0].shape)


def mean(numbers):
    numbers = list(numbers)
    return math.fsum(numbers) / len(numbers)


# ------------------------------------------------------------- functions of one number


def logistic(x):
    e = math.exp(-abs(x))
    return (1 if x >= 0 else e) / (1 + e)


def silu_slope(x):
    return logistic(x) * (1 + x * (1 - logistic(x)))


def gelu(x):
    return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def gelu_slope(x):
    c, t = math.sqrt(2 / math.pi), 2 * gelu(x) / x - 1 if x else 0
    return (1 + t + x * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2)) / 2


ACTIVATIONS = {  # how it is made, its value, its slope
    "ReLU": (activations.ReLU, lambda x: max(x, 0), lambda x: x > 0),
    "LeakyReLU": (
        lambda: LeakyReLU(0.1),
        lambda x: x if x > 0 else 0.1 * x,
        lambda x: 1 if x > 0 else 0.1,
    ),
    "ELU": (
        lambda: ELU(0.5),
        lambda x: x if x > 0 else 0.5 * math.expm1(x),
        lambda x: 1 if x > 0 else 0.5 * math.exp(x),
    ),
    "Sigmoid": (
        activations.Sigmoid,
        logistic,
        lambda x: logistic(x) * (1 - logistic(x)),
    ),
    "Tanh": (activations.Tanh, math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "Softplus": (
        activations.Softplus,
        lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
        logistic,
    ),
    "SiLU": (activations.SiLU, lambda x: x * logistic(x), silu_slope),
    "GELU": (activations.GELU, gelu, gelu_slope),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@fuzz
@given(x=arrays())
def test_activation(name, x):
    make, value, slope = ACTIVATIONS[name]
    layer, wanted = make(), each(value, x)
    agree(outcome(layer.predict, x), wanted, x.dtype)
    agree(outcome(layer.forward, x), wanted, x.dtype)
    dy = np.full_like(x, 3)
    agree(outcome(layer.backward, dy), 3 * each(slope, x), x.dtype)


@pytest.mark.parametrize(
    "function, reference", [(relu, lambda x: max(x, 0)), (sigmoid, logistic)]
)
@fuzz
@given(x=arrays(dtypes=NUMBERS))
def test_function_of_one_number(function, reference, x):
    agree(outcome(function, x), each(reference, x), x.dtype)


def shares(row):
    top = max(row)
    total = math.fsum(math.exp(z - top) for z in row)
    return [math.exp(z - top) / total for z in row]


def softmax_by_rows(z):
    if z.shape[1] == 0:
        raise Refused
    return np.array([shares(row) for row in z.tolist()]).reshape(z.shape)


def softmax_slopes(p, dy):
    together = math.fsum(a * b for a, b in zip(p, dy, strict=True))
    return [a * (b - together) for a, b in zip(p, dy, strict=True)]


@fuzz
@given(z=arrays(MATRICES, NUMBERS))
def test_softmax(z):
    wanted = right(softmax_by_rows, z)
    layer = Softmax()
    for call in (softmax, layer.predict, layer.forward):
        agree(outcome(call, z), wanted, z.dtype)
    if wanted is not Refused:
        dy = np.arange(z.size, dtype=float).reshape(z.shape)
        dz = [softmax_slopes(*rows) for rows in zip(wanted, dy, strict=True)]
        agree(layer.backward(dy), np.reshape(dz, z.shape), z.dtype, 1 + z.size)


# ------------------------------------------------------------------------------ losses


def squared(p, t):
    return (p - t) ** 2, 2 * (p - t)


def absolute(p, t):
    return abs(p - t), (p > t) - (p < t)


def huber(p, t):
    d = abs(p - t)
    slope = max(-1, min(1, p - t))
    return (d * d / 2 if d <= 1 else d - 0.5), slope


def binary(p, t, edge):
    if not (0 <= p <= 1 and 0 <= t <= 1):
        raise Refused
    q = min(max(p, TINY), 1 - edge)
    slope = (q - t) / (q * (1 - q)) if TINY <= p <= 1 - edge else 0
    return -t * math.log(q) - (1 - t) * math.log1p(-q), slope


def sigmoid_binary(z, t):
    if not 0 <= t <= 1:
        raise Refused
    cost = max(z, 0) - z * t + math.log1p(math.exp(-abs(z)))
    return cost, logistic(z) - t


PER_ELEMENT = {  # cost and slope of one prediction p with the target t
    "MeanSquaredError": squared,
    "MeanAbsoluteError": absolute,
    "Huber": huber,
    "BinaryCrossEntropy": binary,
    "SigmoidBinaryCrossEntropy": sigmoid_binary,
}


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


def loss_of_elements(name, prediction, target):
    """The mean cost and the slopes, in float64, or Refused."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    if prediction.shape != target.shape or target.size == 0:
        raise Refused
    if target.dtype.kind not in "fiub":
        raise Refused
    of_one, dtype = PER_ELEMENT[name], prediction.dtype
    more = ()
    if name == "BinaryCrossEntropy":
        more = [max(TINY, 2.0**-24 if dtype == np.float32 else 0)]
    flat = zip(prediction.ravel().tolist(), target.ravel().tolist(), strict=True)
    costs, slopes = zip(*(of_one(p, t, *more) for p, t in flat), strict=True)
    return mean(costs), np.reshape(slopes, target.shape) / target.size


@pytest.mark.parametrize("name", PER_ELEMENT)
@fuzz
@given(pair=pairs())
def test_loss_of_elements(name, pair):
    loss, wanted = getattr(losses, name)(), right(loss_of_elements, name, *pair)
    got, dtype = outcome(loss.forward, *pair), np.asarray(pair[0]).dtype
    if wanted is Refused:
        return agree(got, wanted)
    agree(got, wanted[0], dtype, 1e3 if name.startswith("Sigmoid") else 1)
    agree(loss.backward(), wanted[1], dtype)


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


def checked_labels(scores, y):
    """The labels as a list of Python's numbers, or Refused."""
    y = np.asarray(y)
    if scores.ndim != 2 or scores.size == 0 or y.shape != (len(scores),):
        raise Refused
    if y.dtype.kind not in "iu" or not all(0 <= c < scores.shape[1] for c in y):
        raise Refused
    return y.tolist()


def cross_entropy_by_rows(p, y):
    labels = checked_labels(p, y)
    if not all(0 <= q <= 1 for q in p.ravel()):
        raise Refused
    slopes = np.zeros(p.shape)
    for i, c in enumerate(labels):
        slopes[i, c] = -1 / p[i, c] / len(p) if p[i, c] >= TINY else 0
    return mean(-math.log(max(p[i, c], TINY)) for i, c in enumerate(labels)), slopes


def softmax_cross_entropy_by_rows(z, y, s):
    labels, k, costs, slopes = checked_labels(z, y), z.shape[1], [], []
    for row, c in zip(z.tolist(), labels, strict=True):
        top = max(row)
        whole = top + math.log(math.fsum(math.exp(score - top) for score in row))
        targets = [(1 - s) * (j == c) + s / k for j in range(k)]
        pairs = list(zip(row, targets, strict=True))
        costs.append(math.fsum(t * (whole - score) for score, t in pairs))
        slopes.append([p - t for p, t in zip(shares(row), targets, strict=True)])
    return mean(costs), np.array(slopes) / len(z)


@fuzz
@given(both=scores_and_labels())
def test_cross_entropy(both):
    loss, wanted = CrossEntropy(), right(cross_entropy_by_rows, *both)
    got = outcome(loss.forward, *both)
    if wanted is Refused:
        return agree(got, wanted)
    agree(got, wanted[0], both[0].dtype)
    agree(loss.backward(), wanted[1], both[0].dtype)
    if min(both[0][i, c] for i, c in enumerate(both[1])) >= TINY:
        agree(cross_entropy(both[0], np.asarray(both[1])), wanted[0], both[0].dtype)


@fuzz
@given(both=scores_and_labels(), s=st.sampled_from([0, 0.1, 0.5]))
def test_softmax_cross_entropy(both, s):
    loss = SoftmaxCrossEntropy(label_smoothing=s)
    wanted = right(softmax_cross_entropy_by_rows, *both, s)
    got = outcome(loss.forward, *both)
    if wanted is Refused:
        return agree(got, wanted)
    agree(got, wanted[0], both[0].dtype, 50)
    agree(loss.backward(), wanted[1], both[0].dtype)


# ----------------------------------------------------------------- layers and networks


def dense_by_entries(x, W, b):
    """x W + b, one product at a time; Refused unless x is (n, n_in)."""
    if x.ndim != 2 or x.shape[1] != len(W):
        raise Refused
    columns = list(zip(W.T.tolist(), b.tolist(), strict=True))
    sums = [
        [math.fsum([*map(math.prod, zip(row, w, strict=True)), c]) for w, c in columns]
        for row in x.tolist()
    ]
    return np.reshape(sums, (len(x), len(b)))


@fuzz
@given(x=arrays(dtypes=[*NUMBERS, np.uint8], low=0, high=200), seed=seeds)
def test_dense(x, seed):
    rng = np.random.default_rng(seed)
    layer = Dense(rng.integers(1, 4), rng.integers(1, 4), rng, normal)
    layer.params["b"][...] = rng.normal(size=layer.params["b"].shape)
    wanted = right(dense_by_entries, x, layer.params["W"], layer.params["b"])
    for call in (layer.predict, layer.forward):
        agree(outcome(call, x), wanted, scale=1e3)
    if wanted is Refused:
        return
    agree(dense(x, **layer.params), wanted, scale=1e3)
    dy = rng.normal(size=wanted.shape)
    no_bias = np.zeros(dy.shape[1]), np.zeros(len(layer.params["W"]))
    agree(layer.backward(dy), dense_by_entries(dy, layer.params["W"].T, no_bias[1]))
    agree(layer.grads["W"], dense_by_entries(x.T, dy, no_bias[0]), scale=1e3)
    agree(layer.grads["b"], [math.fsum(column) for column in dy.T], scale=10)


@fuzz
@given(
    x=arrays(MATRICES, low=-10, high=10),
    hidden=st.lists(st.integers(-1, 4), max_size=3),
    name=st.sampled_from(sorted(ACTIVATIONS)),
    seed=seeds,
)
def test_network(x, hidden, name, seed):
    make, value, _ = ACTIVATIONS[name]
    sizes, rng = [3, *hidden, 2], np.random.default_rng(seed)
    network = outcome(mlp, sizes, rng, make)
    if min(sizes) < 1:
        assert network is Refused
        return
    y = x
    for layer in network.layers:
        if isinstance(layer, Dense):
            y = right(dense_by_entries, y, layer.params["W"], layer.params["b"])
        else:
            y = each(value, y)
        if y is Refused:
            break
    for call in (network.predict, network.forward):
        agree(outcome(call, x), y, scale=1e2)
    places = range(0, 2 * len(hidden) + 2, 2)
    assert list(network.params) == [f"{i}.{k}" for i in places for k in "Wb"]


STARTS = {  # the variance of a weight
    zeros: lambda n_in, n_out: 0,
    normal: lambda n_in, n_out: 1,
    lecun: lambda n_in, n_out: 1 / n_in,
    xavier: lambda n_in, n_out: 2 / (n_in + n_out),
    he: lambda n_in, n_out: 2 / n_in,
}
settings_of_any_kind = st.one_of(
    st.integers(-2, 30), st.floats(), st.none(), st.booleans(), st.just("3")
)


@pytest.mark.parametrize("init", STARTS)
@fuzz
@given(n_in=settings_of_any_kind, n_out=st.integers(1, 5), seed=seeds)
def test_start(init, n_in, n_out, seed):
    layer = outcome(Dense, n_in, n_out, np.random.default_rng(seed), init, np.float32)
    if type(n_in) is not int or n_in < 1:
        assert layer is Refused
        return
    one = np.random.default_rng(seed)
    size = math.sqrt(STARTS[init](n_in, n_out))
    wanted = [[size * one.normal() for _ in range(n_out)] for _ in range(n_in)]
    agree(layer.params["W"], wanted, np.float32)
    agree(layer.params["b"], [0] * n_out, np.float32)


@fuzz
@given(x=arrays(), rate=settings_of_any_kind | st.floats(-0.2, 1.2), seed=seeds)
def test_dropout(x, rate, seed):
    layer = outcome(Dropout, rate, np.random.default_rng(seed))
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not (number and 0 <= rate < 1):
        assert layer is Refused
        return
    assume(rate < 0.99)
    chances = np.random.default_rng(seed).random(x.shape, x.dtype)
    wanted = each(lambda c, v: v / (1 - rate) if c >= rate else 0, chances, x)
    agree(layer.forward(x), wanted, x.dtype)
    agree(layer.backward(x), wanted, x.dtype)
    agree(layer.predict(x), x, x.dtype)


# ------------------------------------------------------------- optimizers and schedules


def sgd(g, w, s, lr, momentum=0.0, nesterov=False):
    s["u"] = momentum * s.get("u", 0) + g
    return w - lr * (g + momentum * s["u"] if nesterov else s["u"])


def rmsprop(g, w, s, lr, decay=0.99, eps=1e-8):
    s["s"] = decay * s.get("s", 0) + (1 - decay) * g * g
    return w - lr * g / (math.sqrt(s["s"]) + eps)


def adam(g, w, s, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    w -= lr * weight_decay * w
    t = s["t"] = s.get("t", 0) + 1
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    m, v = s["m"] / (1 - beta1**t), s["v"] / (1 - beta2**t)
    return w - lr * m / (math.sqrt(v) + eps)


def nadam(g, w, s, lr, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=0.004):
    t = s["t"] = s.get("t", 0) + 1
    now = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    ahead = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    s["all"] = s.get("all", 1) * now
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    m = ahead * s["m"] / (1 - s["all"] * ahead) + (1 - now) * g / (1 - s["all"])
    return w - lr * m / (math.sqrt(s["v"] / (1 - beta2**t)) + eps)


betas = st.sampled_from([0.0, 0.5, 0.9, 0.99, 0.999])
OPTIMIZERS = {
    "GradientDescent": (GradientDescent, sgd, {}),
    "SGD": (SGD, sgd, {"momentum": betas}),
    "Nesterov": (SGD, sgd, {"momentum": st.just(0.9), "nesterov": st.just(True)}),
    "RMSprop": (RMSprop, rmsprop, {"decay": st.sampled_from([0.5, 0.9, 0.99])}),
    "Adam": (Adam, adam, {"beta1": betas, "beta2": betas}),
    "AdamW": (AdamW, adam, {"beta1": betas, "weight_decay": st.floats(0, 0.5)}),
    "NAdam": (
        NAdam,
        nadam,
        {"beta1": betas, "momentum_decay": st.sampled_from([0.0, 1])},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@fuzz
@given(data=st.data(), lr=st.floats(0, 1), steps=st.integers(1, 4))
def test_optimizer(name, data, lr, steps):
    kind, one_number, options = OPTIMIZERS[name]
    chosen = {key: data.draw(value) for key, value in options.items()}
    optimizer = kind(lr, **chosen)
    w = np.array(data.draw(arrays(low=-10, high=10)))
    wanted, states = w.astype(float), [{} for _ in range(w.size)]
    for _ in range(steps):
        # below 1e-3 the smallness of eps decides, and float32 holds no square of it
        sizes = data.draw(arrays(w.shape, [w.dtype.type], 1e-3, 100))
        signs = data.draw(arrays(w.shape, [np.int64], -1, 1))
        g = sizes * signs.astype(w.dtype)
        assert outcome(optimizer.step, {"w": w}, {"w": g}) is None
        walk = zip(g.ravel().tolist(), wanted.ravel().tolist(), states, strict=True)
        moved = [one_number(*entry, lr, **chosen) for entry in walk]
        wanted = np.reshape(moved, w.shape)
    agree(w, wanted, w.dtype, 1e3 * steps)


@pytest.mark.parametrize("name", OPTIMIZERS)
@fuzz
@given(w=arrays(dtypes=NUMBERS), g=arrays())
def test_optimizer_never_broadcasts(name, w, g):
    kind, _, options = OPTIMIZERS[name]
    optimizer = (
        kind(0.1, nesterov=True, momentum=0.9) if name == "Nesterov" else kind(0.1)
    )
    w = w.copy()
    kept = w.copy()
    fits = w.shape == g.shape and w.dtype.kind == "f"
    assert (outcome(optimizer.step, {"w": w}, {"w": g}) is Refused) != fits
    assert fits or np.array_equal(w, kept)


def step_decay(step, total, lr, factor=0.1, drops=2):
    return lr * factor ** math.floor(step * (drops + 1) / total)


def exponential_decay(step, total, lr, final=0.01):
    return lr * final ** (step / total)


def cosine(step, total, lr, final=0.0):
    return lr * (final + (1 - final) * (1 + math.cos(math.pi * step / total)) / 2)


def warmup_cosine(step, total, lr, warmup=0.3, final=0.0):
    climb = warmup * total
    if step < climb:
        return lr * (step + 1) / (climb + 1)
    return cosine(step - climb, total - climb, lr, final)


TINIEST = np.finfo(float).tiny  # what is smaller is taken as 0
SCHEDULES = {  # the reference, and the range of each setting
    "constant": (lambda step, total, lr: lr, {}),
    "step_decay": (step_decay, {"factor": (0, math.inf), "drops": (0, math.inf)}),
    "exponential_decay": (exponential_decay, {"final": (TINIEST, math.inf)}),
    "cosine": (cosine, {"final": (0, math.inf)}),
    "warmup_cosine": (warmup_cosine, {"warmup": (0, 1), "final": (0, math.inf)}),
}
OF_A_SCHEDULE = {"drops": st.integers(-1, 5)}
numbers_of_any_kind = st.floats(0, 2) | st.sampled_from(
    [-1, 0, math.nan, math.inf, "1"]
)


@pytest.mark.parametrize("name", SCHEDULES)
@fuzz
@given(data=st.data(), lr=numbers_of_any_kind, total=st.integers(1, 200))
def test_schedule(name, data, lr, total):
    reference, ranges = SCHEDULES[name]
    ranges = {"lr": (0, math.inf)} | ranges
    chosen = {"lr": lr} | {
        key: data.draw(OF_A_SCHEDULE.get(key, numbers_of_any_kind), label=key)
        for key in ranges
        if key != "lr"
    }
    fine = all(
        not isinstance(value, str)
        and math.isfinite(value)
        and ranges[key][0] <= value <= ranges[key][1]
        for key, value in chosen.items()
    )
    schedule = outcome(lambda: getattr(optimizers, name)(**chosen))
    assert (schedule is Refused) != fine
    if fine:
        step = data.draw(st.integers(0, total - 1))
        agree(schedule(step, total), reference(step, total, **chosen), scale=10)


@fuzz
@given(
    several=st.lists(arrays(low=-(2.0**50), high=2.0**50), max_size=3),
    max_norm=numbers_of_any_kind | st.floats(1e-3, 1e6),
)
def test_clip_gradients(several, max_norm):
    grads = {str(k): g for k, g in enumerate(several)}
    got = outcome(clip_gradients, grads, max_norm)
    if isinstance(max_norm, str) or not 0 < max_norm < math.inf:
        assert got is Refused
        return
    assume(max_norm > 1e-30)
    norm = math.hypot(*(v for g in several for v in g.ravel().tolist()))
    scale = min(1, max_norm / norm) if norm else 1
    for name, g in grads.items():
        agree(got[name], each(lambda v: v * scale, g), g.dtype, min(norm, max_norm))
        assert got[name].dtype == g.dtype


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


def plain_indices(y):
    """As Python's own numbers, or Refused where they are no class indices."""
    y = np.asarray(y)
    if y.size == 0 or y.dtype.kind not in "iu" or (y < 0).any():
        raise Refused
    return y.tolist()


def both_plain(y, p):
    y, p = plain_indices(y), plain_indices(p)
    if len(y) != len(p):
        raise Refused
    return y, p


def plain_accuracy(y, p):
    y, p = both_plain(y, p)
    return sum(a == b for a, b in zip(y, p, strict=True)) / len(y)


def plain_confusion(y, p):
    y, p = both_plain(y, p)
    told, k = list(zip(y, p, strict=True)), max(*y, *p) + 1
    return np.array([[told.count((i, j)) for j in range(k)] for i in range(k)])


def plain_metric(part, whole):
    """A reference of precision, recall or F1 under each way to average."""

    def of(y, p, average):
        y, p = both_plain(y, p)
        table = {}
        for k in sorted({*y, *p}):
            right = sum(a == b == k for a, b in zip(y, p, strict=True))
            table[k] = part(right), whole(p.count(k), y.count(k)), y.count(k)
        if average == "micro":
            table = {0: [sum(column) for column in zip(*table.values(), strict=True)]}
        each = [a / b if b else 0.0 for a, b, _ in table.values()]
        if average in (None, "micro"):
            return each if average is None else each[0]
        weights = [n if average == "weighted" else 1 for _, _, n in table.values()]
        weighted = (a * n for a, n in zip(each, weights, strict=True))
        return math.fsum(weighted) / sum(weights)

    return of


METRICS = {
    precision: plain_metric(lambda right: right, lambda called, true: called),
    recall: plain_metric(lambda right: right, lambda called, true: true),
    f1: plain_metric(lambda right: 2 * right, lambda called, true: called + true),
}


@st.composite
def truth_and_answer(draw):
    """Two lists of class indices, mostly of one length."""
    size = draw(st.integers(0, 20))
    other = size if draw(st.integers(0, 4)) else draw(st.integers(0, 20))
    return draw(index_lists(st.just(size))), draw(index_lists(st.just(other)))


@fuzz
@given(pair=truth_and_answer())
def test_accuracy_and_confusion(pair):
    agree(outcome(accuracy, *pair), right(plain_accuracy, *pair))
    matrix = right(plain_confusion, *pair)
    agree(outcome(confusion_matrix, *pair), matrix)
    names = "abcde"[: len(matrix)] if matrix is not Refused else "abcde"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*0/0 for")
        try:
            last = report(*pair, names).splitlines()[-1]
        except (ValueError, TypeError):
            assert matrix is Refused
        else:
            assert last.endswith(f" {plain_accuracy(*pair):.2f}")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("average", [None, "macro", "micro", "weighted"])
@fuzz
@given(pair=truth_and_answer())
def test_metric(metric, average, pair):
    wanted = right(METRICS[metric], *pair, average)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            got = metric(*pair, average)
        except (ValueError, TypeError):
            got = Refused
    agree(got, wanted)
    assert all("is taken as 0.0" in str(one.message) for one in said)


@fuzz
@given(y=index_lists(st.integers(0, 20)), fraction=numbers_of_any_kind, seed=seeds)
def test_split(y, fraction, seed):
    x = np.arange(len(y))
    parts = outcome(split, x, y, fraction, np.random.default_rng(seed))
    plain = right(plain_indices, y)
    sizes = {}
    if plain is not Refused and not isinstance(fraction, str) and 0 < fraction < 1:
        sizes = {k: round(fraction * plain.count(k)) for k in plain}
    if not sizes or any(n in (0, plain.count(k)) for k, n in sizes.items()):
        assert parts is Refused
        return
    rows = [row for part, _ in parts for row in part.tolist()]
    assert sorted(rows) == x.tolist()
    assert all(plain[r] == k for part in parts for r, k in zip(*part, strict=True))
    assert Counter(parts[1][1].tolist()) == sizes


@fuzz
@given(
    n=st.integers(0, 30),
    more=st.sampled_from([0] * 8 + [1]),
    batch_size=settings_of_any_kind,
    seed=seeds,
)
def test_batches(n, more, batch_size, seed):
    x, y = np.arange(n)[:, None], np.arange(n + more)
    got = outcome(lambda: list(batches(x, y, batch_size, np.random.default_rng(seed))))
    if type(batch_size) is not int or batch_size < 1 or n == 0 or more:
        assert got is Refused
        return
    assert all((a[:, 0] == b).all() for a, b in got)
    assert sorted(row for _, b in got for row in b.tolist()) == list(range(n))
    assert {len(b) for _, b in got[:-1]} <= {batch_size} and len(got[-1][1]) > 0


@fuzz
@given(both=scores_and_labels(), batch_size=st.integers(1, 5))
def test_evaluate(both, batch_size):
    loss = SoftmaxCrossEntropy()
    wanted = right(softmax_cross_entropy_by_rows, *both, 0)
    scores, y = both[0], np.asarray(both[1])
    got = outcome(evaluate, Network(), loss, scores, y, batch_size)
    if wanted is Refused:
        return agree(got, wanted)
    best = [row.index(max(row)) for row in scores.tolist()]
    agree(got["loss"], wanted[0], scores.dtype, 50)
    agree(got["accuracy"], mean(a == b for a, b in zip(best, y, strict=True)))


@fuzz
@given(x=arrays(st.tuples(st.integers(1, 6), st.integers(1, 4)), low=-50, high=50))
def test_centering(x):
    rows, centred = x.tolist(), outcome(Centering, x)
    means = [mean(column) for column in zip(*rows, strict=True)]
    apart = [[a - m for a, m in zip(row, means, strict=True)] for row in rows]
    variance = mean(d * d for row in apart for d in row)
    assume(variance == 0 or variance > 1e-2)  # between them rounding decides
    assume(variance > 0 or (x == x[0]).all())
    scale = math.sqrt(variance) or 1.0
    wanted = np.array(apart) / scale
    agree(outcome(centred, x), wanted, x.dtype, 50 / min(scale, 1))


@fuzz
@given(
    losses_seen=st.lists(st.floats(0, 9) | st.just(math.nan), min_size=1, max_size=12),
    patience=st.integers(1, 3),
    watch=st.sampled_from(["validation_loss", "validation_accuracy"]),
)
def test_early_stopping(losses_seen, patience, watch):
    network = Network(Dense(1, 1, np.random.default_rng(0)))
    stop, sign = EarlyStopping(patience, watch), -1 if "accuracy" in watch else 1
    for epoch in range(1, len(losses_seen) + 1):
        network.layers[0].params["b"][0] = epoch
        seen = losses_seen[:epoch]
        costs = [math.inf if math.isnan(v) else sign * v for v in seen]
        best = costs.index(min(costs)) + 1 if min(costs) < math.inf else 0
        assert stop(network, {watch: seen}) == (epoch - best >= patience)
        assert stop.best_epoch == best
        if best:
            stop.restore(network)
            assert network.layers[0].params["b"][0] == best


TOY_SETS = {  # classes, and where a point without noise must lie
    "moons": (2, lambda x, k: math.hypot(x[0] - k, x[1] - 0.5 * k) == ABOUT_1),
    "circles": (2, lambda x, k: math.hypot(*x) * (1 + k) == ABOUT_1),
    "spirals": (3, lambda x, k: 0.05 <= math.hypot(*x) <= 1),
}
ABOUT_1 = pytest.approx(1)


@pytest.mark.parametrize("name", TOY_SETS)
@fuzz
@given(n=st.integers(-1, 30), noise=numbers_of_any_kind | st.just(0.0), seed=seeds)
def test_toy_set(name, n, noise, seed):
    (classes, lies), make = TOY_SETS[name], getattr(datasets, name)
    got = outcome(lambda: make(n, np.random.default_rng(seed), noise=noise))
    fine = n >= 1 and not isinstance(noise, str)
    if not (fine and 0 <= noise < math.inf):
        assert got is Refused
        return
    x, y = got
    assert x.shape == (n, 2) and x.dtype == np.float64 and y.dtype == np.int64
    sizes = [y.tolist().count(k) for k in range(classes)]
    assert sum(sizes) == n and max(sizes) - min(sizes) <= 1
    assert noise or all(map(lies, x.tolist(), y.tolist()))


@fuzz
@given(
    x=arrays(low=-2, high=2, dtypes=[np.float64]),
    seed=seeds,
    wrong=st.floats(-2, 2),
)
def test_gradient_by_nudges(x, seed, wrong):
    c, before = np.random.default_rng(seed).uniform(1, 2, x.shape), x.copy()
    wanted = each(lambda a, b: 4 * a * (b + 3) ** 3, c, x)

    def f(x):
        return float((c * (x + 3) ** 4).sum())

    agree(numerical_gradient(f, x), wanted, scale=1e6)
    if x.size:
        assert check_gradient(f, x, wanted, 1e-4) <= 1e-4
        at = np.unravel_index(seed % x.size, x.shape)
        assume(abs(wrong) > 1e-2)
        wanted[at] *= 1 + wrong
        with pytest.raises(AssertionError, match="largest relative error|zero every"):
            check_gradient(f, x, wanted, 1e-4)
    assert np.array_equal(x, before)


# ------------------------------------------------------------------- nothing left out

MODULES = (
    "single_pass layers activations losses dynamic_network optimizers generalization "
    "fashion_mnist datasets checkpoint"
)
ELSEWHERE = {  # tried with made-up input in another file of this folder
    "test_bad_input": "Diverged build fit recipe train",
    "test_checkpoint": "load resume save",
    "test_datasets": "load_fashion_mnist load_idx_folder load_mnist read_idx",
}
HELPERS = """
    Layer Loss averaged by_place check_layers check_pair check_rate count_right counts
    ends_well is_classes measures prepare put_back rate_of_each_step ratio running_sum
    scaled_step total_weight train_epoch
    built built_generators built_network built_optimizer describe described_generator
    packed put read_array read_members telling unpacked write_whole
"""  # parts of what is tried


def test_nothing_is_left_out():
    here = Path(__file__)
    tried = here.read_text(encoding="utf-8").partition("nothing left out")[0]
    missing = set()
    for name in MODULES.split():
        module = importlib.import_module(f"nbhelpers.{name}")
        for thing, value in inspect.getmembers(module, callable):
            if value.__module__ == module.__name__ and not thing.startswith("_"):
                if not re.search(rf"\b{thing}\b", tried.partition("EXAMPLES")[2]):
                    missing.add(thing)
    for file, names in ELSEWHERE.items():
        text = here.with_name(f"{file}.py").read_text(encoding="utf-8")
        missing -= {name for name in names.split() if re.search(rf"\b{name}\b", text)}
    assert missing == set(HELPERS.split()), "let these be tried, above or elsewhere"
