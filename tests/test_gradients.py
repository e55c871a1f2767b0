"""Every gradient of every layer and loss against central differences, in float64."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhelpers import activations, losses
from nbhelpers.dynamic_network import Network, check_network, mlp
from nbhelpers.layers import Dense, Layer, he, lecun, normal, xavier
from nbhelpers.losses import Loss
from nbhelpers.single_pass import check_gradient, numerical_gradient
from toys import BatchNorm, make, variants

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)

LAYERS = variants(Layer)
del LAYERS["Network"]  # empty it has no gradients; full ones are below
LOSSES = variants(Loss)
OTHER_IN_TRAINING = {"Dropout", "BatchNorm"}  # `forward` is not what `predict` is


def away_from_zero(rng, shape):
    """Normal numbers of size 0.1 or more: no difference quotient spans a kink at 0."""
    x = rng.normal(size=shape)
    return x + np.where(x < 0, -0.1, 0.1)


def frozen(array):
    array.setflags(write=False)
    return array


def check_layer(layer, x, rng):
    """All gradients of the layer at x, of a random weighted sum of its outputs.

    x and dy cannot be written into. Each output is that of a copy, which has the state
    and the generator that the layer has now.
    """
    start = copy.deepcopy(layer)
    y = layer.forward(frozen(x))
    weights = frozen(rng.normal(size=y.shape))
    if type(layer).__name__ not in OTHER_IN_TRAINING:
        np.testing.assert_array_equal(y, layer.predict(x))
    dx = layer.backward(weights)
    found = {name: g.copy() for name, g in layer.grads.items()}
    layer.set_grads(weights)
    assert layer.grads.keys() == layer.params.keys() == found.keys()
    for name, g in layer.grads.items():
        np.testing.assert_array_equal(g, found[name])

    def result(x, name=None, value=None):
        again = copy.deepcopy(start)
        if name is not None:
            again.params[name][...] = value
        return (again.forward(x) * weights).sum()

    compare(result, x, dx)
    for name, w in layer.params.items():
        compare(lambda value, name=name: result(x, name, value), w, found[name])


def compare(f, x, gradient):
    """`check_gradient`, or the same to an absolute 1e-7 where all is nearly zero."""
    assert gradient.shape == x.shape
    if np.abs(gradient).max() > 1e-3:
        check_gradient(f, x, gradient)
    else:
        np.testing.assert_allclose(gradient, numerical_gradient(f, x), atol=1e-7)


@pytest.mark.parametrize("name", LAYERS)
@few
@given(n=sizes, k=sizes, seed=seeds)
def test_layer(name, n, k, seed):
    rng, layer = np.random.default_rng(seed), LAYERS[name]()
    width = layer.n_in if name == "Dense" else k
    check_layer(layer, away_from_zero(rng, (n, width)), rng)


@pytest.mark.parametrize("init", [normal, xavier, he, lecun])
@few
@given(n=sizes, n_in=sizes, n_out=sizes, more=st.lists(sizes, max_size=2), seed=seeds)
def test_dense(init, n, n_in, n_out, more, seed):
    """Also for x with more axes, such as (n, time, n_in)."""
    rng = np.random.default_rng(seed)
    layer = Dense(n_in, n_out, rng, init)
    layer.params["b"][...] = rng.normal(size=n_out)
    check_layer(layer, rng.normal(size=(n, *more[:1], n_in)), rng)
    x = rng.normal(size=(n, *more, n_in))
    dy = rng.normal(size=(n, *more, n_out))
    y, dx, grads = layer.forward(x), layer.backward(dy), dict(layer.grads)
    np.testing.assert_allclose(y.reshape(-1, n_out), layer.forward(x.reshape(-1, n_in)))
    wanted = layer.backward(dy.reshape(-1, n_out))
    np.testing.assert_allclose(dx.reshape(-1, n_in), wanted)
    for name, g in layer.grads.items():
        np.testing.assert_allclose(grads[name], g)


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


def test_a_layer_with_state():
    rng = np.random.default_rng(0)
    check_layer(BatchNorm(3), rng.normal(size=(5, 3)), rng)


# ---- losses


def pair_for(loss, rng, n, k):
    """A prediction and a target of the kind that the loss takes, far from its kinks."""
    z, y = rng.normal(size=(n, k)), rng.integers(0, k, n)
    p, share = rng.uniform(0.05, 0.95, (2, n, k))
    return {
        "same_shape": (z, z + away_from_zero(rng, (n, k))),
        "scores_and_classes": (z, y),
        "scores_and_probabilities": (z, share),
        "probabilities_and_classes": (p, y),
        "two_probabilities": (p, share),
    }[loss.takes.__name__]


@pytest.mark.parametrize("name", LOSSES)
@few
@given(n=sizes, k=sizes, seed=seeds)
def test_loss(name, n, k, seed):
    loss, rng = LOSSES[name](), np.random.default_rng(seed)
    prediction, target = map(frozen, pair_for(loss, rng, n, k))
    value = loss.forward(prediction, target)
    assert isinstance(value, float)
    compare(lambda p: loss.forward(p, target), prediction, loss.backward())


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
    layers = [LAYERS[name]() for name in LAYERS if name != "Dense"]
    for layer in [*layers, make(Dense, dtype=np.float32)]:
        assert layer.predict(x).dtype == np.float32, layer
        y = layer.forward(x)
        assert y.dtype == np.float32, layer
        assert layer.backward(y).dtype == np.float32, layer
        assert all(g.dtype == np.float32 for g in layer.grads.values())
    for loss in (made() for made in LOSSES.values()):
        prediction, target = pair_for(loss, rng, 4, 3)
        loss.forward(prediction.astype(np.float32), target)
        assert loss.backward().dtype == np.float32, loss


# ---- the check itself


def cubes(x):
    return float((x**3).sum())


@pytest.mark.parametrize("error", [1e-4, -1e-4, 1.0])
@pytest.mark.parametrize("at", [(0, 0), (1, 2)])
def test_a_wrong_entry_is_found_and_named(at, error):
    x = np.arange(1.0, 7.0).reshape(2, 3)
    kept, gradient = x.copy(), 3 * x**2
    assert check_gradient(cubes, x, gradient) < 1e-8
    gradient[at] *= 1 + error
    with pytest.raises(AssertionError, match=rf"index \({at[0]}, {at[1]}\)"):
        check_gradient(cubes, x, gradient)
    np.testing.assert_array_equal(x, kept)
    gradient[at] = np.nan
    with pytest.raises(AssertionError, match="error nan"):
        check_gradient(cubes, x, gradient)


def test_a_small_entry_counts_beside_large_ones():
    """Relative to its own size, down to a tenth of the largest: no smaller."""
    x, scale = np.array([1.0, 1.0, 1.0]), np.array([1.0, 0.05, 1e-9])
    gradient = scale.copy()
    gradient[1] += 1e-6  # a fifty-thousandth of itself, a millionth of the largest
    with pytest.raises(AssertionError, match=r"index \(1,\)"):
        check_gradient(lambda x: float((scale * x).sum()), x, gradient)
    gradient[1:] = scale[1:] + 1e-8
    error = check_gradient(lambda x: float((scale * x).sum()), x, gradient)
    assert error == pytest.approx(1e-8 / (1 / 10), rel=0.05)


@pytest.mark.parametrize(
    "x, gradient, words",
    [
        (np.ones(2), np.zeros(2), "proves nothing"),
        (np.ones(2), np.ones(3), r"gradient \(3,\) but x \(2,\)"),
        (np.ones(2), np.ones((2, 1)), r"gradient \(2, 1\) but x \(2,\)"),
        (np.ones(2, np.float32), np.ones(2), "x must be float64, got float32"),
        (np.ones(2), np.ones(2, int), "gradient must be float64, got int64"),
    ],
)
def test_what_cannot_be_compared(x, gradient, words):
    with pytest.raises(AssertionError, match=words):
        check_gradient(cubes, x, gradient)


def test_numerical_gradient_takes_any_shape():
    for x in (np.array(2.0), np.zeros((0, 3)), np.arange(8.0).reshape(2, 2, 2)):
        found = numerical_gradient(cubes, frozen(x))
        assert found.shape == x.shape
        np.testing.assert_allclose(found, 3 * x**2, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_slopes_where_a_square_or_cube_of_the_input_overflows(dtype, share):
    """x of 1e9, 1e19 and 1e34 in float32: finite slopes, those of the straight ends."""
    size = dtype(10 ** (share * np.log10(np.finfo(dtype).max)))
    x = np.array([[-size, 0, size]], dtype=dtype)
    ends = dict.fromkeys(("ReLU", "ELU", "Softplus", "SiLU", "GELU"), (0, 1))
    ends |= dict.fromkeys(("Sigmoid", "Tanh", "Softmax"), (0, 0))
    for name in ends | {"LeakyReLU": (0.01, 1)}:
        layer = getattr(activations, name)()
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert np.isfinite(layer.forward(x)).all(), name
            slope = layer.backward(np.ones_like(x))
        assert slope.dtype == dtype
        np.testing.assert_allclose(
            slope[0, [0, 2]], ends.get(name, (0.01, 1)), atol=1e-7, err_msg=name
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_clips_only_where_it_changes_no_bit(dtype):
    x = np.concatenate([np.linspace(-12, 12, 24001), [7.99, 8.01, 1e6, -1e6]])
    x, c, a = x.astype(dtype), activations.GELU.c, activations.GELU.a
    t = np.tanh(c * (x + a * x**3))
    slope = (1 + t + x * (1 - t**2) * (c * (1 + 3 * a * x**2))) / 2
    layer = activations.GELU()
    np.testing.assert_array_equal(layer.forward(x), x * (1 + t) / 2)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), slope)


class Wrong(Dense):
    """A bias gradient that is forgotten to be summed over more than one row."""

    def set_grads(self, dy):
        super().set_grads(dy)
        self.grads["b"] = dy[0]


def test_check_network_names_what_is_wrong_and_changes_nothing():
    rng = np.random.default_rng(0)
    x, y, loss = rng.normal(size=(4, 3)), np.array([0, 1, 1, 0]), LOSSES["CrossEntropy"]
    for kind, faulty in ((Dense, None), (Wrong, "2.b")):
        layers = Dense(3, 5, rng), activations.Tanh(), kind(5, 2, rng)
        network = Network(*layers, activations.Softmax())
        kept = {name: w.copy() for name, w in network.params.items()}
        if faulty:
            with pytest.raises(AssertionError, match=f"^{faulty}: largest relative"):
                check_network(network, loss(), x, y)
        else:
            assert check_network(network, loss(), x, y) == 3 * 5 + 5 + 5 * 2 + 2
        for name, w in network.params.items():
            np.testing.assert_array_equal(w, kept[name])
