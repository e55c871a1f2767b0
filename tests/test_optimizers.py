"""Optimizers, schedules and clipping.

The paths are pinned to those of PyTorch, stored in reference/ beside the script that
made them; what every optimizer promises is tried on arrays of any shape and order.
"""

import copy
import functools
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nbhelpers import optimizers
from nbhelpers.dynamic_network import GradientDescent, Optimizer
from nbhelpers.optimizers import (
    SGD,
    Adam,
    AdamW,
    NAdam,
    clip_gradients,
    constant,
    cosine,
    exponential_decay,
    step_decay,
    warmup_cosine,
)
from toys import plain, variants

REFERENCE = json.loads(
    (Path(__file__).parent / "reference/optimizers.json").read_text(encoding="utf-8")
)
OPTIMIZERS = variants(Optimizer)
OPTIMIZERS["SGD, heavy"] = functools.partial(SGD, momentum=0.9)
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


# ---- against PyTorch


def label(walk):
    changing = len(set(walk["rates"])) > 1
    words = [f"{key}={value}" for key, value in walk["settings"].items()]
    return "-".join([walk["optimizer"], *words, "rate changes" if changing else "rate"])


@pytest.mark.parametrize("walk", REFERENCE["walks"], ids=label)
def test_the_path_is_pytorchs(walk):
    kind = getattr(optimizers, walk["optimizer"])
    optimizer = kind(lr=walk["rates"][0], **walk["settings"])
    params = {name: np.array(w) for name, w in REFERENCE["start"].items()}
    steps = zip(walk["rates"], REFERENCE["gradients"], walk["path"], strict=True)
    for step, (lr, grads, wanted) in enumerate(steps, 1):
        optimizer.lr = lr
        optimizer.step(params, {name: np.array(g) for name, g in grads.items()})
        for name, w in params.items():
            # A weight that a step of size 1 brings to nearly 0 is known only to the
            # rounding of that step, 2e-16: hence the absolute tolerance.
            np.testing.assert_allclose(
                w, wanted[name], rtol=1e-10, atol=1e-15, err_msg=f"{name}, step {step}"
            )


def test_the_reference_tries_what_is_hard():
    sizes = [
        max(np.abs(g).max() for g in grads.values()) for grads in REFERENCE["gradients"]
    ]
    assert len(sizes) >= 12
    assert min(sizes) == 0 and max(sizes) > 1e6
    kinds = {walk["optimizer"] for walk in REFERENCE["walks"]}
    changing = {w["optimizer"] for w in REFERENCE["walks"] if len(set(w["rates"])) > 1}
    assert kinds == changing == {"SGD", "RMSprop", "Adam", "AdamW", "NAdam"}


# ---- what every optimizer promises


@st.composite
def params_and_grads(draw, largest=1e6):
    """Two dicts of arrays of the same names: any shapes, orders and float dtypes."""
    params, grads = {}, {}
    for k in range(draw(st.integers(0, 3))):
        shape = draw(array_shapes(min_dims=0, max_dims=3, max_side=4))
        dtype = draw(st.sampled_from([np.float32, np.float64]))
        numbers = st.floats(-largest, largest, width=32)
        order = draw(st.sampled_from(["C", "F"]))
        w, g = (draw(arrays(dtype, shape, elements=numbers)) for _ in "wg")
        params[f"{k}.W"] = np.array(w, order=order)
        grads[f"{k}.W"] = np.array(g, order=draw(st.sampled_from(["C", "F"])))
    return params, grads


@every_optimizer
@settings(max_examples=40)
@given(given=params_and_grads(), steps=st.integers(1, 3))
def test_steps_in_place_and_keeps_to_its_own(make, given, steps):
    params, grads = given
    kept = {name: g.copy() for name, g in grads.items()}
    form = {name: (id(w), w.dtype, w.shape, w.strides) for name, w in params.items()}
    optimizer = make(lr=0.1)
    for _ in range(steps):
        optimizer.step(params, grads)
    assert form == {
        name: (id(w), w.dtype, w.shape, w.strides) for name, w in params.items()
    }
    assert list(grads) == list(kept)
    for name, g in grads.items():
        assert np.array_equal(g, kept[name])
        assert np.isfinite(params[name]).all()


@every_optimizer
@settings(max_examples=40)
@given(given=params_and_grads(largest=100), order=st.randoms())
def test_each_parameter_walks_as_if_alone(make, given, order):
    """No state is shared: together, apart and in another order give the same path."""
    params, grads = given
    names = list(params)
    order.shuffle(names)
    together = {name: params[name].copy() for name in names}
    apart = {name: w.copy() for name, w in params.items()}
    joint, own = make(lr=0.1), {name: make(lr=0.1) for name in params}
    for _ in range(3):
        joint.step(together, grads)
        for name, w in apart.items():
            own[name].step({name: w}, {name: grads[name]})
    for name in params:
        assert np.array_equal(together[name], apart[name])


@every_optimizer
def test_more_gradients_than_parameters(make):
    w = np.ones(2)
    make(lr=0.1).step({"w": w}, {"w": np.ones(2), "other": np.ones(3)})
    assert (w < 1).all()


@every_optimizer
@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda w, g: (w, {"a": g["a"]}), KeyError, "b"),
        (lambda w, g: (w, g | {"b": np.ones(1)}), ValueError, r"'b' has shape \(1,\)"),
        (lambda w, g: (w, g | {"b": ["x"] * 3}), ValueError, "'b' must be numbers"),
        (lambda w, g: (w, g | {"b": np.ones(3) * 1j}), ValueError, "got dtype complex"),
        (lambda w, g: (w | {"b": np.ones(3, int)}, g), ValueError, "array of floats"),
        (lambda w, g: (w | {"b": [1.0] * 3}, g), ValueError, "array of floats"),
    ],
)
def test_what_is_refused_changes_nothing(make, change, error, words):
    params, grads = ({"a": np.ones(2), "b": np.ones(3)} for _ in "pg")
    optimizer = make(lr=0.1)
    for _ in "at first", "later":
        before = plain({"params": params, "memory": vars(optimizer)})
        with pytest.raises(error, match=words):
            optimizer.step(*change(params, grads))
        assert plain({"params": params, "memory": vars(optimizer)}) == before
        optimizer.step(params, grads)


@every_optimizer
def test_gradients_may_be_whole_numbers_or_lists(make):
    found = []
    for kind in (np.float64, np.int8, np.uint8, list):
        w, optimizer = np.ones(2), make(lr=0.1)
        for g in ([100, 3], [0, 120]):
            g = g if kind is list else np.array(g, kind)
            optimizer.step({"w": w}, {"w": g})
        found.append(w.tolist())
    assert found == [found[0]] * 4


@every_optimizer
def test_the_memory_is_of_one_network(make):
    optimizer, one, other = make(lr=0.1), np.ones(2), np.ones(2)
    g = {"w": np.ones(2)}
    optimizer.step({"w": one}, g)
    if not optimizer.slots:
        return optimizer.step({"w": other}, g)
    with pytest.raises(ValueError, match="'w' is another.*make a new optimizer"):
        optimizer.step({"w": other}, g)
    assert other.tolist() == [1, 1]
    optimizer.step({"w": one}, g)  # it goes on with its own
    del one
    with pytest.raises(ValueError, match="make a new optimizer"):
        optimizer.step({"w": np.ones(2)}, g)  # perhaps at the same place in memory


@every_optimizer
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
)
def test_a_copy_goes_on_alike(make, copied):
    optimizer, w, rng = make(lr=0.1), np.ones(3), np.random.default_rng(0)
    optimizer.step({"w": w}, {"w": rng.normal(size=3)})
    again, v = copied(optimizer), w.copy()
    for g in rng.normal(size=(3, 3)):
        optimizer.step({"w": w}, {"w": g})
        again.step({"w": v}, {"w": g})
    assert np.array_equal(v, w) and plain(vars(again)) == plain(vars(optimizer))


@every_optimizer
def test_a_gradient_of_zeros_moves_nothing(make):
    w = np.array([1.0, -2.0])
    optimizer = make(lr=0.1)
    for _ in range(5):
        optimizer.step({"w": w}, {"w": np.zeros(2)})
    decayed = (1 - 0.1 * getattr(optimizer, "weight_decay", 0)) ** 5
    assert w == pytest.approx(decayed * np.array([1.0, -2.0]), rel=1e-14)


@every_optimizer
def test_goes_down(make):
    optimizer, w = make(lr=0.1), np.array([1.0, -2.0])
    optimizer.lr = 0.01
    for _ in range(600):
        optimizer.step({"w": w}, {"w": w})
    assert np.abs(w).max() < 0.05


@every_optimizer
def test_a_rate_of_zero_moves_nothing(make):
    optimizer, w = make(lr=0.1), np.array([1.0, -2.0])
    optimizer.lr = 0.0
    optimizer.step({"w": w}, {"w": np.ones(2)})
    assert w.tolist() == [1, -2]


@every_optimizer
def test_float32_follows_float64(make):
    rng = np.random.default_rng(0)
    w64 = rng.normal(size=(3, 4))
    w32, joint, half = w64.astype(np.float32), make(lr=0.1), make(lr=0.1)
    for _ in range(20):
        g = rng.normal(size=(3, 4))
        joint.step({"w": w64}, {"w": g})
        half.step({"w": w32}, {"w": g.astype(np.float32)})
    np.testing.assert_allclose(w32, w64, rtol=1e-4, atol=1e-5)


# ---- each one's own


@given(given=params_and_grads(), lr=st.floats(0, 1))
def test_plain_sgd_is_gradient_descent(given, lr):
    params, grads = given
    other = {name: w.copy() for name, w in params.items()}
    SGD(lr).step(params, grads)
    GradientDescent(lr).step(other, grads)
    for name in params:
        assert np.array_equal(params[name], other[name])


def test_momentum_sums_the_past():
    w, optimizer = np.zeros(1), SGD(1, momentum=0.9)
    steps = [0.0]
    for _ in range(3):
        optimizer.step({"w": w}, {"w": np.ones(1)})
        steps.append(-w[0])
    assert np.diff(steps) == pytest.approx([1, 1.9, 2.71])


@given(
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0, 0.9999),
    g=st.floats(1e-3, 1e3),
    sign=st.sampled_from([-1, 1]),
)
def test_the_first_step_of_adam_is_the_rate(beta1, beta2, g, sign):
    w = np.zeros(1)
    Adam(0.1, beta1, beta2, eps=0).step({"w": w}, {"w": np.array([sign * g])})
    assert w[0] == pytest.approx(-0.1 * sign, rel=1e-9)


@pytest.mark.parametrize("name", ["RMSprop", "Adam", "NAdam"])
@given(factor=st.floats(1e-3, 1e3))
def test_the_size_of_the_gradient_does_not_count(name, factor):
    kind = getattr(optimizers, name)
    a, b, plain, scaled = np.ones(2), np.ones(2), kind(eps=0), kind(eps=0)
    for g in np.random.default_rng(0).normal(size=(5, 2)):
        plain.step({"w": a}, {"w": g})
        scaled.step({"w": b}, {"w": factor * g})
    np.testing.assert_allclose(a, b, rtol=1e-9)


@given(lr=st.floats(0, 0.5), decay=st.floats(0, 1))
def test_weight_decay_is_apart_from_the_step(lr, decay):
    g = np.array([3.0, -0.01])
    a, b = np.array([2.0, 5.0]), np.array([2.0, 5.0])
    AdamW(lr, weight_decay=decay).step({"w": a}, {"w": g})
    b *= 1 - lr * decay
    Adam(lr).step({"w": b}, {"w": g})
    assert np.array_equal(a, b)


@given(
    data=st.data(),
    dtype=st.sampled_from([np.float32, np.float64]),
    kind=st.sampled_from([np.float32, np.float64, np.int64]),
    shape=st.sampled_from([(), (0,), (5,), (2, 3)]),
    t=st.sampled_from([1, 2, 10, 10**3, 10**7]),
    betas=st.tuples(*[st.sampled_from([0.0, 0.5, 0.9, 0.999])] * 2),
    eps=st.sampled_from([1e-8, 1e-3, 1.0, 1e3]),
)
def test_adam_is_computed_as_its_formula_says(data, dtype, kind, shape, t, betas, eps):
    """Adam.move has fewer passes over memory than the formula, which it wraps."""
    optimizer = Adam(0.1, *betas, eps)
    optimizer.t = t
    numbers = st.integers(-100, 100).map(float)
    w, g, m, v = (data.draw(arrays(dtype, shape, elements=numbers)) for _ in "wgmv")
    w, v, g = np.zeros_like(w), np.square(v), g.astype(kind)
    quick, formula = ([np.array(a) for a in (w, g, m, v)] for _ in "qf")
    optimizer.move(*quick)
    Adam.move.__wrapped__(optimizer, *formula)
    tolerance = 1e-5 if np.float32 in (dtype, kind) else 1e-12
    for found, wanted in zip(quick, formula, strict=True):
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=tolerance)


def test_an_optimizer_of_ones_own():
    """It writes `move`; walking the parameters, memory and border come with it."""

    class Longest(Optimizer):
        settings, slots = ("lr", "share"), ("top",)

        def __init__(self, lr, share=0.5):
            super().__init__(lr)
            self.share = share

        def move(self, w, g, top):
            np.maximum(self.share * top, np.abs(g), out=top)
            w -= self.lr * g / top

    optimizer, w, b = Longest(0.5), np.zeros(2), np.zeros(1)
    optimizer.step({"w": w, "b": b}, {"w": np.array([4.0, -1.0]), "b": np.ones(1)})
    optimizer.step({"w": w, "b": b}, {"w": np.array([1, 1]), "b": np.ones(1)})
    assert w.tolist() == [-0.75, 0.0] and b.tolist() == [-1.0] and optimizer.t == 2
    assert optimizer.top["w"].tolist() == [2, 1]
    assert repr(optimizer) == "Longest(0.5, share=0.5)"
    with pytest.raises(ValueError, match=r"^Longest: the gradient of 'w' has shape"):
        optimizer.step({"w": w}, {"w": np.ones(1)})
    with pytest.raises(ValueError, match="^Longest: 'w' is another array"):
        optimizer.step({"w": w.copy()}, {"w": w})


def test_nadam_without_a_schedule_has_half_of_beta1():
    optimizer = NAdam(momentum_decay=0)
    assert optimizer.mu(1) == optimizer.mu(100) == 0.45
    optimizer = NAdam()
    assert optimizer.mu(10**5) == pytest.approx(0.9)


# ---- schedules

lrs, lengths, shares = st.floats(1e-6, 10), st.integers(1, 300), st.floats(0, 1)


def rates(schedule, total_steps):
    return [schedule(step, total_steps) for step in range(total_steps + 1)]


def falls(numbers):
    return all(b <= a * (1 + 1e-12) for a, b in zip(numbers, numbers[1:], strict=False))


@given(lr=lrs, total=lengths)
def test_constant(lr, total):
    assert set(rates(constant(lr), total)) == {lr}


@given(lr=lrs, total=lengths, factor=shares, drops=st.integers(0, 6))
def test_step_decay(lr, total, factor, drops):
    found = rates(step_decay(lr, factor, drops), total)[:-1]
    assert found[0] == lr and falls(found)
    if total > drops:
        levels = [lr * factor**k for k in range(drops + 1)]
        assert sorted(set(found)) == sorted(set(levels))
        counts = [sum(rate == level for rate in found) for level in set(levels)]
        if len(set(levels)) == drops + 1:
            assert max(counts) - min(counts) <= 1


@given(lr=lrs, total=lengths, final=st.floats(1e-6, 1))
def test_exponential_decay(lr, total, final):
    found = rates(exponential_decay(lr, final), total)
    assert found[0] == lr and falls(found)
    assert found[-1] == pytest.approx(lr * final)
    ratios = np.divide(found[1:], found[:-1])
    assert ratios == pytest.approx(final ** (1 / total))


@given(lr=lrs, total=lengths, final=shares)
def test_cosine(lr, total, final):
    found = rates(cosine(lr, final), total)
    assert found[0] == pytest.approx(lr) and falls(found)
    assert found[-1] == pytest.approx(lr * final, abs=1e-12)
    if total % 2 == 0:
        assert found[total // 2] == pytest.approx(lr * (1 + final) / 2)


@given(lr=lrs, total=lengths, warmup=st.floats(0, 0.99), final=shares)
def test_warmup_cosine(lr, total, warmup, final):
    found = rates(warmup_cosine(lr, warmup, final), total)
    top = math.ceil(warmup * total)
    assert 0 < found[0] <= lr * (1 + 1e-12)
    assert max(found) <= lr * (1 + 1e-12)
    climb = found[:top]
    assert all(a < b for a, b in zip(climb, climb[1:], strict=False))
    assert np.diff(climb, 2) == pytest.approx(0, abs=1e-12 * lr)  # a straight line
    assert falls(found[top:])
    if top < total:
        assert found[-1] == pytest.approx(lr * final, abs=1e-9 * lr)


def test_warmup_cosine_reaches_its_top():
    found = rates(warmup_cosine(0.4, warmup=0.3), 100)
    assert found[:30] == pytest.approx([0.4 * k / 31 for k in range(1, 31)])
    assert found[30] == max(found) == 0.4
    assert found[100] == pytest.approx(0)


def test_without_a_warmup_it_is_cosine():
    assert rates(warmup_cosine(0.4, warmup=0), 50) == rates(cosine(0.4), 50)


# ---- clipping


def joint_norm(grads):
    return math.hypot(*(x for g in grads.values() for x in np.ravel(g).tolist()))


@given(given=params_and_grads(largest=2.0**120), max_norm=st.floats(1e-3, 1e6))
def test_clipping(given, max_norm):
    _, grads = given
    kept = {name: g.copy() for name, g in grads.items()}
    clipped = clip_gradients(grads, max_norm)
    norm = joint_norm(grads)
    assert clipped is not grads and list(clipped) == list(grads)
    for name, g in grads.items():
        assert np.array_equal(g, kept[name])
        assert not np.shares_memory(clipped[name], g)
        assert clipped[name].dtype == g.dtype and clipped[name].shape == g.shape
    assert joint_norm(clipped) == pytest.approx(min(norm, max_norm), rel=1e-5)
    scale = min(1, max_norm / norm) if norm else 1
    for name, g in grads.items():  # one factor for all, so the direction stays
        np.testing.assert_allclose(clipped[name], g * scale, rtol=1e-5, atol=1e-30)


def test_clipping_by_hand():
    clipped = clip_gradients({"W": np.array([[3.0]]), "b": np.array([0.0, 4.0])}, 1)
    assert clipped["W"].tolist() == [[pytest.approx(0.6)]]
    assert clipped["b"] == pytest.approx([0, 0.8])


def test_clipping_leaves_short_gradients():
    g = np.array([0.3, -0.4])
    assert np.array_equal(clip_gradients({"w": g}, 0.5)["w"], g)
    assert clip_gradients({"w": np.zeros(2)}, 1)["w"].tolist() == [0, 0]
    assert clip_gradients({}, 1) == {}
