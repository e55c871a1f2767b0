"""Tensors: gradients on random shapes, the numbers of PyTorch, and the record."""

import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

from nbhelpers.beyond import autograd
from nbhelpers.beyond.autograd import Tensor, history
from nbhelpers.dynamic_network import mlp
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.single_pass import check_gradient
from reference.calculations import CALCULATIONS, INPUTS

STORED = Path(__file__).parent / "reference" / "autograd.json"
REFERENCE = json.loads(STORED.read_text(encoding="utf-8"))
sizes, seeds = st.integers(1, 4), st.integers(0, 2**32 - 1)
shapes = st.lists(sizes, max_size=3).map(tuple)
few = settings(max_examples=25, deadline=None)


def frozen(x):
    x.setflags(write=False)
    return x


def check(f, *inputs):
    """Compare the gradients of a random weighted sum of f with differences."""
    tensors = [Tensor(frozen(x)) for x in inputs]
    y = f(*tensors)
    weights = np.random.default_rng(0).uniform(0.5, 2, size=y.data.shape)
    (y * weights).sum().backward()
    for k, (x, tensor) in enumerate(zip(inputs, tensors, strict=True)):

        def result(v, k=k):
            at = [*inputs[:k], v, *inputs[k + 1 :]]
            return float((f(*map(Tensor, at)).data * weights).sum())

        assert isinstance(tensor.grad, np.ndarray) and tensor.grad.shape == x.shape
        check_gradient(result, x, tensor.grad)


def numbers(rng, shape):
    """Numbers of either sign, between 0.3 and 2: away from kink and pole at 0."""
    return rng.uniform(0.3, 2, size=shape) * rng.choice([-1, 1], size=shape)


# ---- gradients, on random shapes

TWO = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
ONE = {
    "exp": lambda a: a.exp(),
    "log": lambda a: (a * a).log(),
    "tanh": lambda a: a.tanh(),
    "relu": lambda a: a.relu() + 0.1 * a,
    "cube": lambda a: a**3,
    "root": lambda a: (a * a) ** 0.25,
    "inverse": lambda a: a**-1,
    "negative": lambda a: -a,
    "numbers beside it": lambda a: 2 / (3 - a * 0.1) + (1 + a) / 4 - 1,
    "used three times": lambda a: a * a.tanh() + a,
    "sum": lambda a: a.sum(),
    "mean": lambda a: a.mean(),
    "turned over": lambda a: a.transpose(),
    "one row": lambda a: a.reshape(1, -1),
}


@pytest.mark.parametrize("name", TWO)
@few
@given(shape=shapes, seed=seeds, data=st.data())
def test_two_inputs_of_any_shapes_that_fit(name, shape, seed, data):
    other = data.draw(broadcastable_shapes(shape, max_dims=3, max_side=4))
    rng = np.random.default_rng(seed)
    check(TWO[name], numbers(rng, shape), numbers(rng, other))


@pytest.mark.parametrize("name", ONE)
@few
@given(shape=shapes, seed=seeds)
def test_one_input_of_any_shape(name, shape, seed):
    check(ONE[name], numbers(np.random.default_rng(seed), shape))


@few
@given(n=sizes, k=sizes, m=sizes, left=shapes, right=shapes, seed=seeds)
def test_products_of_matrices_and_of_stacks(n, k, m, left, right, seed):
    left, right = left[:1], right[:1]
    if left and right and left != right:
        left = (1,)
    rng = np.random.default_rng(seed)
    x, w = numbers(rng, (*left, n, k)), numbers(rng, (*right, k, m))
    check(lambda a, b: a @ b, x, w)


@few
@given(shape=st.lists(sizes, min_size=2, max_size=3), seed=seeds, data=st.data())
def test_sums_and_means_over_axes(shape, seed, data):
    axes = st.sets(st.integers(0, len(shape) - 1), min_size=1).map(tuple)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1) | axes)
    kept, x = data.draw(st.booleans()), numbers(np.random.default_rng(seed), shape)
    check(lambda a: a.sum(axis=axis, keepdims=kept), x)
    check(lambda a: a.mean(axis=axis, keepdims=kept), x)


@few
@given(n=sizes, k=sizes, m=sizes, seed=seeds, data=st.data())
def test_moved_and_picked_entries(n, k, m, seed, data):
    rng = np.random.default_rng(seed)
    x, order = numbers(rng, (n, k, m)), data.draw(st.permutations(range(3)))
    rows, columns = rng.integers(-n, n, size=5), rng.integers(0, k, size=5)
    check(lambda a: a.transpose(*order), x)
    check(lambda a: a.transpose(*(axis - 3 for axis in order)), x)
    check(lambda a: a.reshape(m, n * k), x)
    check(lambda a: a[rows], x)
    check(lambda a: a[rows, columns], x)


def test_powers_at_zero():
    for n, slope in ((0, 0), (1, 1), (2, 0)):
        t = Tensor(0)
        (t**n).backward()
        assert t.grad == slope


# ---- other programs


@pytest.mark.parametrize("name", CALCULATIONS)
def test_pytorch_found_the_same(name):
    tensors = {name: Tensor(x) for name, x in INPUTS.items()}
    y, wanted = CALCULATIONS[name](**tensors), REFERENCE[name]
    np.testing.assert_allclose(y.data, wanted["value"], rtol=1e-12, atol=1e-14)
    (y * y).sum().backward()
    for name, tensor in tensors.items():
        if name in wanted["gradients"]:
            got, found = tensor.grad, wanted["gradients"][name]
            np.testing.assert_allclose(got, found, rtol=1e-12, atol=1e-12)
        else:
            assert tensor.grad is None


def test_a_network_by_hand_finds_the_same():
    rng = np.random.default_rng(0)
    network, loss = mlp([4, 7, 6, 3], rng), SoftmaxCrossEntropy()
    x, y = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    by_hand = loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    t = {name: Tensor(w) for name, w in network.params.items()}
    z = ((x @ t["0.W"] + t["0.b"]).relu() @ t["2.W"] + t["2.b"]).relu()
    z = z @ t["4.W"] + t["4.b"]
    made = (z.exp().sum(axis=1).log() - z[np.arange(9), y]).mean()
    made.backward()
    assert made.data == pytest.approx(by_hand, rel=1e-13)
    for name, g in network.grads.items():
        np.testing.assert_allclose(t[name].grad, g, rtol=0, atol=1e-12)


# ---- the record


def test_constants_are_not_recorded():
    t = Tensor([[1.0, 2.0]])
    y = np.ones((3, 1)) @ t * np.float64(2) + [1, 2]
    assert history(y)[0] is t and len(history(y)) == 4


def test_each_pass_finds_its_own_gradient():
    t = Tensor(3)
    for _ in range(2):
        (t * t).backward()
        assert t.grad == 6


def test_a_deep_graph_needs_no_recursion():
    start = end = Tensor(1.0)
    for _ in range(20_000):
        end = end + start
    end.backward()
    assert start.grad == 20_001
    for _ in range(20_000):
        end = start = start * 1  # and is dropped without a backward
    del start, end


def test_a_backward_frees_what_it_walked():
    t = Tensor(np.ones(3))
    middle = t * 2
    loss, seen = (middle * middle).sum(), weakref.ref(middle)
    gc.disable()  # no circle, so that counting references frees it
    try:
        del middle
        assert seen() is not None
        loss.backward()
        assert seen() is None
    finally:
        gc.enable()
    assert (t.grad == 8).all() and loss.parents is None


def test_numbers_are_float64_and_arrays_are_shared():
    assert Tensor([1, 2]).data.dtype == Tensor(np.float32(2)).data.dtype == np.float64
    x = np.ones(3)
    t = Tensor(x)
    assert t.data is x and t.grad is None
    (t * 2).sum().backward()
    assert (x == 1).all() and t.grad.dtype == np.float64


@pytest.mark.parametrize(
    "slip, kind, said",
    [
        (lambda t: t.backward(), ValueError, r"needs one number, got shape \(2, 2\)"),
        (lambda t: t @ t[[0, 1], [0, 1]], ValueError, r"got \(2, 2\) and \(2,\)"),
        (lambda t: t @ 2, ValueError, "@ takes rows and columns"),
        (lambda t: t + Tensor([1, 2, 3]), ValueError, "could not be broadcast"),
        (lambda t: t + "two", TypeError, "a tensor holds numbers, got 'two'"),
        (lambda t: Tensor(None), TypeError, "a tensor holds numbers, got None"),
        (lambda t: Tensor([[1, 2], [3]]), ValueError, "inhomogeneous"),
        (lambda t: np.exp(t), TypeError, "Tensor"),
        (lambda t: t**t, TypeError, "Tensor"),
        (lambda t: 2**t, TypeError, "Tensor"),
        (lambda t: t[5], IndexError, "out of bounds"),
        (lambda t: t.reshape(3), ValueError, "reshape"),
    ],
)
def test_a_slip_gets_a_sentence(slip, kind, said):
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(kind, match=said):
        slip(t)


def test_a_record_serves_once():
    t = Tensor(2)
    middle = t * 3
    (middle * 2).backward()
    with pytest.raises(ValueError, match="compute the loss again"):
        (middle + 1).backward()
    assert t.grad == 6


def test_the_module_is_small():
    text = Path(autograd.__file__).read_text(encoding="utf-8")
    assert sum(1 for line in text.splitlines() if line.strip()) <= 120
