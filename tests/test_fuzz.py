"""Every public function on made-up input, beside a slow reference in plain Python.

The references loop over single numbers and sum with `math.fsum`; they share no line
with the package. FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz.py looks longer.
"""

import math
import os
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nbhelpers import activations, datasets, layers, losses, optimizers, single_pass
from nbhelpers.dynamic_network import Network, evaluate
from nbhelpers.generalization import (
    Dropout,
    accuracy,
    confusion_matrix,
    f1,
    precision,
    recall,
    split,
)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 40))
fuzz = settings(max_examples=EXAMPLES, deadline=None)

FORMS = (
    np.ascontiguousarray,
    np.asfortranarray,
    lambda a: np.repeat(a, 2, axis=0)[::2],
    lambda a: a[::-1].copy()[::-1],
)
DTYPES = st.sampled_from([np.float32, np.float64])
SIZES = st.integers(1, 5)


@st.composite
def matrix(draw, rows=SIZES, columns=SIZES, largest=1e3, dtype=DTYPES):
    """An array (rows, columns) of any float dtype and any order in memory."""
    shape, kind = (draw(rows), draw(columns)), draw(dtype)
    numbers = st.floats(-largest, largest, width=32)
    return draw(st.sampled_from(FORMS))(draw(arrays(kind, shape, elements=numbers)))


def close(found, wanted, dtype, scale=1.0):
    """Equal up to the rounding of the dtype, for what is summed up of this scale."""
    size = max(1.0, scale, np.abs(np.asarray(wanted, float)).max(initial=0))
    room = 200 * np.finfo(dtype).eps * size
    np.testing.assert_allclose(np.asarray(found, float), wanted, rtol=0, atol=room)


def each(f, *given):
    """f on single numbers, entry by entry."""
    out = np.empty(given[0].shape)
    for at in np.ndindex(out.shape):
        out[at] = f(*(float(a[at]) for a in given))
    return out


# ---- single numbers


def exp(x):
    return math.exp(x) if x < 709 else math.inf


def sigmoid(x):
    return 1 / (1 + exp(-x)) if -x < 709 else 0.0


def softplus(x):
    return x if x > 700 else math.log1p(exp(x))


def gelu(x):
    return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def softmax(row):
    shifted = [exp(float(z) - float(max(row))) for z in row]
    return [e / math.fsum(shifted) for e in shifted]


ACTIVATIONS = {
    "ReLU": lambda x: x if x > 0 else 0.0,
    "LeakyReLU": lambda x: x if x > 0 else 0.01 * x,
    "ELU": lambda x: x if x > 0 else math.expm1(x),
    "Sigmoid": sigmoid,
    "Tanh": math.tanh,
    "Softplus": softplus,
    "SiLU": lambda x: x * sigmoid(x),
    "GELU": gelu,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@fuzz
@given(x=matrix())
def test_activation(name, x):
    layer, before = getattr(activations, name)(), x.copy()
    wanted = each(ACTIVATIONS[name], x)
    for found in (layer.predict(x), layer.forward(x)):
        assert found.dtype == x.dtype
        close(found, wanted, x.dtype)
    assert np.isfinite(layer.backward(np.ones_like(x))).all()
    assert np.array_equal(x, before)


@fuzz
@given(x=matrix(), seed=st.integers(0, 9))
def test_softmax(x, seed):
    dy = np.random.default_rng(seed).normal(size=x.shape).astype(x.dtype)
    layer = activations.Softmax()
    p = np.array([softmax(row) for row in x])
    for found in (layer.predict(x), layer.forward(x), single_pass.softmax(x)):
        close(found, p, x.dtype)
    dx = layer.backward(dy)
    for i, j in np.ndindex(x.shape):
        terms = [
            float(dy[i, c]) * p[i, c] * ((c == j) - p[i, j]) for c in range(x.shape[1])
        ]
        close(dx[i, j], math.fsum(terms), x.dtype, 10)


@fuzz
@given(x=matrix(), n_out=SIZES, seed=st.integers(0, 9))
def test_dense_and_network(x, n_out, seed):
    rng = np.random.default_rng(seed)
    layer = layers.Dense(x.shape[1], n_out, rng, dtype=x.dtype)
    W, b = layer.params["W"], layer.params["b"]
    b += rng.normal(size=n_out).astype(x.dtype)
    scale = 1e3 * x.shape[1] * np.abs(W).max()

    def entry(i, j):
        return math.fsum(
            [float(x[i, k]) * float(W[k, j]) for k in range(len(W))] + [b[j]]
        )

    wanted = [[entry(i, j) for j in range(n_out)] for i in range(len(x))]
    ways = (layer.forward(x), Network(layer).predict(x), single_pass.dense(x, W, b))
    for found in ways:
        close(found, wanted, x.dtype, scale)
    dy = rng.normal(size=(len(x), n_out)).astype(x.dtype)
    dx = layer.backward(dy)
    for k, j in np.ndindex(W.shape):
        terms = [float(x[i, k]) * float(dy[i, j]) for i in range(len(x))]
        close(layer.grads["W"][k, j], math.fsum(terms), x.dtype, 1e4)
    for i, k in np.ndindex(x.shape):
        terms = [float(dy[i, j]) * float(W[k, j]) for j in range(n_out)]
        close(dx[i, k], math.fsum(terms), x.dtype, 10)


@pytest.mark.parametrize("name", ["zeros", "normal", "lecun", "xavier", "he"])
@fuzz
@given(n_in=st.integers(1, 60), n_out=st.integers(1, 60), seed=st.integers(0, 99))
def test_first_weights(name, n_in, n_out, seed):
    W = getattr(layers, name)(n_in, n_out, np.random.default_rng(seed))
    std = {
        "zeros": 0,
        "normal": 1,
        "lecun": math.sqrt(1 / n_in),
        "xavier": math.sqrt(2 / (n_in + n_out)),
        "he": math.sqrt(2 / n_in),
    }[name]
    assert W.shape == (n_in, n_out) and W.dtype == np.float64
    assert np.abs(W).max() <= 6.5 * std
    if name != "zeros" and W.size > 500:
        assert 0.8 < statistics.pstdev(W.ravel().tolist()) / std < 1.2


# ---- losses


def huber(d):
    return d * d / 2 if abs(d) <= 1 else abs(d) - 0.5


def binary(z, t):
    return max(z, 0) - z * t + math.log1p(math.exp(-abs(z)))


NUMBERS = {
    "MeanSquaredError": lambda a, t: (a - t) ** 2,
    "MeanAbsoluteError": lambda a, t: abs(a - t),
    "Huber": lambda a, t: huber(a - t),
    "SigmoidBinaryCrossEntropy": binary,
}


@pytest.mark.parametrize("name", NUMBERS)
@fuzz
@given(a=matrix(), seed=st.integers(0, 9))
def test_loss_of_numbers(name, a, seed):
    t = np.random.default_rng(seed).random(a.shape).astype(a.dtype)
    loss, before = getattr(losses, name)(), a.copy()
    costs = each(NUMBERS[name], a, t)
    close(loss.forward(a, t), math.fsum(costs.ravel()) / costs.size, a.dtype, 1e3)
    assert loss.backward().shape == a.shape and np.isfinite(loss.backward()).all()
    assert np.array_equal(a, before)


@st.composite
def scores_and_labels(draw):
    z = draw(matrix())
    y = draw(arrays(np.int64, len(z), elements=st.integers(0, z.shape[1] - 1)))
    return z, y


@fuzz
@given(given=scores_and_labels(), s=st.floats(0, 0.9))
def test_softmax_cross_entropy(given, s):
    z, y = given
    (n, k), costs = z.shape, []
    for row, label in zip(z, y, strict=True):
        row = [float(v) for v in row]
        top = max(row)
        log_sum = top + math.log(math.fsum(math.exp(v - top) for v in row))
        share = math.fsum(log_sum - v for v in row) / k
        costs.append((1 - s) * (log_sum - row[label]) + s * share)
    loss = losses.SoftmaxCrossEntropy(s)
    close(loss.forward(z, y), math.fsum(costs) / n, z.dtype, 2e3)
    dz = loss.backward()
    for i, j in np.ndindex(z.shape):
        q = (1 - s) * (j == y[i]) + s / k
        close(dz[i, j], (softmax(z[i])[j] - q) / n, z.dtype)
    close(
        losses.CrossEntropy().forward(single_pass.softmax(z), y),
        math.fsum(-math.log(max(softmax(z[i])[y[i]], 1e-12)) for i in range(n)) / n,
        z.dtype,
        1e3,
    )


@fuzz
@given(given=scores_and_labels(), size=st.integers(1, 7))
def test_evaluate(given, size):
    z, y = given
    found = evaluate(Network(), losses.SoftmaxCrossEntropy(), z, y, size)
    right = [
        list(row).index(max(row)) == label for row, label in zip(z, y, strict=True)
    ]
    assert found["accuracy"] == sum(right) / len(right)
    close(found["loss"], losses.SoftmaxCrossEntropy().forward(z, y), z.dtype, 2e3)


# ---- optimizers, one weight at a time in plain numbers


def plain_walk(name, w, slopes, lr):
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(slopes, 1):
        if name == "SGD":
            w -= lr * g
        elif name == "momentum":
            m = 0.9 * m + g
            w -= lr * m
        elif name == "RMSprop":
            v = 0.99 * v + 0.01 * g * g
            w -= lr * g / (math.sqrt(v) + 1e-8)
        else:
            w -= lr * 0.1 * w if name == "AdamW" else 0
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            size = math.sqrt(v / (1 - 0.999**t)) + 1e-8
            if name == "NAdam":
                now, ahead = (0.9 * (1 - 0.5 * 0.96 ** (u * 0.004)) for u in (t, t + 1))
                product *= now
                w -= lr * (1 - now) / (1 - product) * g / size
                w -= lr * ahead / (1 - product * ahead) * m / size
            else:
                w -= lr * m / (1 - 0.9**t) / size
    return w


MAKE = {
    "SGD": lambda lr: optimizers.SGD(lr),
    "momentum": lambda lr: optimizers.SGD(lr, 0.9),
    "RMSprop": lambda lr: optimizers.RMSprop(lr),
    "Adam": lambda lr: optimizers.Adam(lr),
    "AdamW": lambda lr: optimizers.AdamW(lr, weight_decay=0.1),
    "NAdam": lambda lr: optimizers.NAdam(lr),
}


@pytest.mark.parametrize("name", MAKE)
@fuzz
@given(w=matrix(largest=10), lr=st.floats(1e-6, 1), n=st.integers(1, 6), data=st.data())
def test_optimizer(name, w, lr, n, data):
    shape = {"rows": st.just(w.shape[0]), "columns": st.just(w.shape[1])}
    grads = [data.draw(matrix(**shape, dtype=st.just(w.dtype))) for _ in range(n)]
    wanted = np.empty(w.shape)
    for at in np.ndindex(w.shape):
        slopes = [float(g[at]) for g in grads]
        wanted[at] = plain_walk(name, float(w[at]), slopes, lr)
    moved, optimizer = w.copy(), MAKE[name](lr)
    for g in grads:
        optimizer.step({"w": moved}, {"w": g})
    largest = max(float(np.abs(g).max()) for g in grads)
    close(moved, wanted, w.dtype, 10 + 60 * lr * (1 + largest))


@pytest.mark.parametrize("total", [1, 7, 100])
@fuzz
@given(lr=st.floats(0, 10), share=st.floats(0.01, 1), step=st.integers(0, 99))
def test_schedule(total, lr, share, step):
    step = step % total
    fall = (1 + math.cos(math.pi * step / total)) / 2
    third = 3 * step // total
    for found, wanted in [
        (optimizers.constant(lr), lr),
        (optimizers.step_decay(lr, share), lr * share**third),
        (optimizers.exponential_decay(lr, share), lr * share ** (step / total)),
        (optimizers.cosine(lr, share), lr * (share + (1 - share) * fall)),
    ]:
        assert found(step, total) == pytest.approx(wanted, rel=1e-9, abs=1e-300)
    assert 0 <= optimizers.warmup_cosine(lr, share)(step, total) <= lr * (1 + 1e-9)


@fuzz
@given(g=matrix(), h=matrix(), most=st.floats(1e-3, 1e4))
def test_clip_gradients(g, h, most):
    norm = math.sqrt(math.fsum(float(v) ** 2 for a in (g, h) for v in a.ravel()))
    factor = min(1.0, most / norm) if norm else 1.0
    clipped = optimizers.clip_gradients({"g": g, "h": h}, most)
    for name, array in (("g", g), ("h", h)):
        close(clipped[name], each(lambda v: v * factor, array), array.dtype, 1e3)


# ---- measuring

TRUTH_AND_ANSWER = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30
)


@pytest.mark.filterwarnings("ignore:.*0/0 for")
@fuzz
@given(pairs=TRUTH_AND_ANSWER)
def test_metrics(pairs):
    y, p = (list(side) for side in zip(*pairs, strict=True))
    assert accuracy(y, p) == sum(a == b for a, b in pairs) / len(pairs)
    matrix = confusion_matrix(y, p, 5)
    for i, j in np.ndindex(5, 5):
        assert matrix[i, j] == pairs.count((i, j))
    for at, k in enumerate(sorted(set(y) | set(p))):
        right, called, true = pairs.count((k, k)), p.count(k), y.count(k)
        assert precision(y, p)[at] == (right / called if called else 0)
        assert recall(y, p)[at] == (right / true if true else 0)
        assert f1(y, p)[at] == pytest.approx(2 * right / (called + true))


@fuzz
@given(y=st.lists(st.integers(0, 3), min_size=1, max_size=40), f=st.floats(0.05, 0.95))
def test_split(y, f):
    x = np.arange(len(y))[:, None]
    try:
        parts = split(x, y, f, np.random.default_rng(0))
    except ValueError as error:
        few = [k for k in set(y) if round(f * y.count(k)) in (0, y.count(k))]
        assert "too few to split" in str(error) and few
        return
    rows = [int(row) for part, _ in parts for row in part[:, 0]]
    assert sorted(rows) == list(range(len(y)))
    for part, labels in parts:
        assert [y[int(row)] for row in part[:, 0]] == labels.tolist()
    for k in set(y):
        assert (parts[1][1] == k).sum() == round(f * y.count(k))


@fuzz
@given(x=matrix(), rate=st.floats(0, 0.95), seed=st.integers(0, 99))
def test_dropout(x, rate, seed):
    layer = Dropout(rate, np.random.default_rng(seed))
    y = layer.forward(x)
    for at in np.ndindex(x.shape):
        stays = float(x[at]) / (1 - rate)
        assert y[at] == 0 or y[at] == pytest.approx(stays, rel=1e-5, abs=1e-30)
    assert np.array_equal(layer.predict(x), x)
    close(layer.backward(x), y, x.dtype, 1e3)


@pytest.mark.parametrize("name", ["spirals", "moons", "circles"])
@fuzz
@given(n=st.integers(1, 200), seed=st.integers(0, 99))
def test_toy_sets(name, n, seed):
    x, y = getattr(datasets, name)(n, np.random.default_rng(seed))
    assert len(x) == len(y) >= n and x.shape[1] == 2 and np.isfinite(x).all()
    assert y.dtype.kind == "i" and set(y.tolist()) == set(range(int(y.max()) + 1))


@fuzz
@given(x=matrix(largest=2, dtype=st.just(np.float64)), seed=st.integers(0, 9))
def test_numerical_gradient(x, seed):
    c = np.random.default_rng(seed).normal(size=x.shape)
    found = single_pass.numerical_gradient(lambda x: float((c * x * x).sum()), x)
    np.testing.assert_allclose(found, each(lambda c, v: 2 * c * v, c, x), atol=1e-6)
