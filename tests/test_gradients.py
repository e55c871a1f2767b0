"""Every gradient of every layer and loss against central differences, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhelpers import activations, losses
from nbhelpers.dynamic_network import Network, mlp
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense, he, lecun, normal, xavier
from nbhelpers.single_pass import check_gradient, numerical_gradient

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)

SMOOTH = ["Sigmoid", "Tanh", "Softmax", "Softplus", "SiLU", "GELU"]
KINKED = ["ReLU", "LeakyReLU", "ELU"]


def made_in(module):
    """The names of the classes that a module defines itself."""
    kinds = [value for value in vars(module).values() if isinstance(value, type)]
    return {kind.__name__ for kind in kinds if kind.__module__ == module.__name__}


def test_no_activation_is_left_out():
    left = made_in(activations) ^ set(SMOOTH + KINKED)
    assert not left, f"{left}: SMOOTH and KINKED above name what is compared"


def away_from_zero(rng, shape):
    """Normal numbers of size 0.1 or more: no difference quotient spans a kink at 0."""
    x = rng.normal(size=shape)
    return x + np.where(x < 0, -0.1, 0.1)


def check_layer(layer, x, rng):
    """All gradients of the layer at x, of a random weighted sum of its outputs."""
    weights = rng.normal(size=layer.predict(x).shape)
    np.testing.assert_array_equal(layer.forward(x), layer.predict(x))
    dx = layer.backward(weights)
    assert dx.shape == x.shape
    found = {name: g.copy() for name, g in layer.grads.items()}
    compare(lambda x: (layer.predict(x) * weights).sum(), x, dx)
    for name, w in layer.params.items():
        assert found[name].shape == w.shape

        def at(value, w=w):
            kept = w.copy()
            w[...] = value
            result = (layer.predict(x) * weights).sum()
            w[...] = kept
            return result

        compare(at, w.copy(), found[name])
    layer.set_grads(weights)
    for name, g in layer.grads.items():
        np.testing.assert_array_equal(g, found[name])


def compare(f, x, gradient):
    """`check_gradient`, or the same to an absolute 1e-7 where all is nearly zero."""
    if np.abs(gradient).max() > 1e-3:
        check_gradient(f, x, gradient)
    else:
        np.testing.assert_allclose(gradient, numerical_gradient(f, x), atol=1e-7)


@pytest.mark.parametrize("init", [normal, xavier, he, lecun])
@few
@given(n=sizes, n_in=sizes, n_out=sizes, seed=seeds)
def test_dense(init, n, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    layer = Dense(n_in, n_out, rng, init)
    layer.params["b"][...] = rng.normal(size=n_out)
    check_layer(layer, rng.normal(size=(n, n_in)), rng)


@pytest.mark.parametrize("name", SMOOTH + KINKED)
@few
@given(n=sizes, k=sizes, seed=seeds)
def test_activation(name, n, k, seed):
    rng = np.random.default_rng(seed)
    layer = getattr(activations, name)()
    check_layer(layer, away_from_zero(rng, (n, k)), rng)


@pytest.mark.parametrize(
    "layer, slope",
    [
        (activations.ReLU(), 0),
        (activations.LeakyReLU(0.2), 0.2),
        (activations.ELU(1.0), 1),
        (activations.ELU(0.5), 0.5),
    ],
)
def test_slope_at_the_kink(layer, slope):
    layer.forward(np.zeros((1, 3)))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 3))), slope)


@few
@given(n=sizes, depth=st.integers(1, 4), width=sizes, seed=seeds)
def test_network(n, depth, width, seed):
    rng = np.random.default_rng(seed)
    network = mlp([3] + [width] * depth + [2], rng, activations.Tanh)
    check_layer(network, rng.normal(size=(n, 3)), rng)


def test_network_in_a_network():
    rng = np.random.default_rng(0)
    inner = mlp([4, 3, 2], rng, activations.GELU)
    network = Network(Dense(5, 4, rng), activations.Softplus(), inner)
    assert list(network.params) == ["0.W", "0.b", "2.0.W", "2.0.b", "2.2.W", "2.2.b"]
    check_layer(network, rng.normal(size=(3, 5)), rng)


@few
@given(n=sizes, k=sizes, seed=seeds, rate=st.floats(0, 0.9))
def test_dropout(n, k, seed, rate):
    rng = np.random.default_rng(seed)
    layer = Dropout(rate, rng)
    x, dy = away_from_zero(rng, (n, k)), rng.normal(size=(n, k))
    y = layer.forward(x)
    np.testing.assert_allclose(layer.backward(dy), dy * y / x)
    np.testing.assert_array_equal(layer.predict(x), x)


def loss_cases(rng, n, k):
    """A prediction and a target for every loss."""
    z, y = rng.normal(size=(n, k)), rng.integers(0, k, n)
    target = z + away_from_zero(rng, (n, k))
    p, yes = rng.uniform(0.05, 0.95, (n, k)), rng.integers(0, 2, (n, k)).astype(float)
    return {
        "MeanSquaredError": (losses.MeanSquaredError(), z, target),
        "MeanAbsoluteError": (losses.MeanAbsoluteError(), z, target),
        "Huber": (losses.Huber(0.7), z, target),
        "CrossEntropy": (losses.CrossEntropy(), p, y),
        "BinaryCrossEntropy": (losses.BinaryCrossEntropy(), p, yes),
        "SoftmaxCrossEntropy": (losses.SoftmaxCrossEntropy(), z, y),
        "smoothed": (losses.SoftmaxCrossEntropy(0.2), z, y),
        "SigmoidBinaryCrossEntropy": (losses.SigmoidBinaryCrossEntropy(), z, p),
    }


def test_no_loss_is_left_out():
    cases = loss_cases(np.random.default_rng(0), 2, 2)
    left = made_in(losses) - {"Loss"} - set(cases)
    assert not left, f"{left}: loss_cases above has one of every loss"


@pytest.mark.parametrize("name", list(loss_cases(np.random.default_rng(0), 2, 2)))
@few
@given(n=sizes, k=sizes, seed=seeds)
def test_loss(name, n, k, seed):
    loss, prediction, target = loss_cases(np.random.default_rng(seed), n, k)[name]
    value = loss.forward(prediction, target)
    gradient = loss.backward()
    assert isinstance(value, float) and gradient.shape == prediction.shape
    compare(lambda p: loss.forward(p, target), prediction, gradient)


@few
@given(n=sizes, k=st.integers(2, 6), seed=seeds)
def test_fused_losses_equal_the_unfused(n, k, seed):
    rng = np.random.default_rng(seed)
    z, y, t = rng.normal(size=(n, k)), rng.integers(0, k, n), rng.random((n, k))
    pairs = [
        (activations.Softmax(), losses.CrossEntropy(), losses.SoftmaxCrossEntropy(), y),
        (
            activations.Sigmoid(),
            losses.BinaryCrossEntropy(),
            losses.SigmoidBinaryCrossEntropy(),
            t,
        ),
    ]
    for layer, loss, fused, target in pairs:
        value = loss.forward(layer.forward(z), target)
        assert abs(value - fused.forward(z, target)) < 1e-12
        dz = layer.backward(loss.backward())
        np.testing.assert_allclose(dz, fused.backward(), rtol=0, atol=1e-12)


def test_dtype_is_kept():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    layers = [Dense(3, 3, rng, dtype=np.float32), Dropout(0.3, rng)]
    layers += [getattr(activations, name)() for name in SMOOTH + KINKED]
    for layer in layers:
        assert layer.predict(x).dtype == np.float32, layer
        assert layer.forward(x).dtype == np.float32, layer
        assert layer.backward(x).dtype == np.float32, layer
        assert all(g.dtype == np.float32 for g in layer.grads.values())
    for name, (loss, prediction, target) in loss_cases(rng, 4, 3).items():
        loss.forward(prediction.astype(np.float32), target)
        assert loss.backward().dtype == np.float32, name


def test_nothing_is_written_into_the_callers_arrays():
    rng = np.random.default_rng(0)
    x, dy = away_from_zero(rng, (4, 3)), rng.normal(size=(4, 3))
    layers = [Dense(3, 3, rng), Dropout(0.3, rng)]
    layers += [getattr(activations, name)() for name in SMOOTH + KINKED]
    for array in (x, dy):
        array.setflags(write=False)
    for layer in layers:
        layer.forward(x).setflags(write=True)
        layer.backward(dy)
    for loss, prediction, target in loss_cases(rng, 4, 3).values():
        prediction.setflags(write=False)
        target.setflags(write=False)
        loss.forward(prediction, target)
        loss.backward()


@pytest.mark.parametrize("size", [1e3, 1e4, 1e30])
def test_extreme_inputs_stay_finite_without_a_warning(size):
    x = np.array([[-size, 0.0, size]])
    for name in SMOOTH + KINKED:
        layer = getattr(activations, name)()
        assert np.isfinite(layer.forward(x)).all(), name
        assert np.isfinite(layer.backward(np.ones_like(x))).all(), name
    fused = losses.SoftmaxCrossEntropy()
    assert fused.forward(x, [0]) == pytest.approx(2 * size)
    np.testing.assert_allclose(fused.backward(), [[-1, 0, 1]])
    binary = losses.SigmoidBinaryCrossEntropy()
    assert binary.forward(x, [[1.0, 0.5, 0.0]]) == pytest.approx(
        (2 * size + np.log(2)) / 3
    )
    np.testing.assert_allclose(binary.backward(), [[-1 / 3, 0, 1 / 3]])
