"""Activations, losses and metrics against the numbers of trusted libraries.

PyTorch's are stored in reference/, beside the script that made them; scikit-learn's
metrics are computed here.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from nbhelpers import activations, generalization, losses

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "layers.json").read_text(encoding="utf-8")
)
X, DY = np.array(REFERENCE["x"]), np.array(REFERENCE["dy"])


@pytest.mark.parametrize("name", REFERENCE["activations"])
def test_activation(name):
    layer, wanted = getattr(activations, name)(), REFERENCE["activations"][name]
    np.testing.assert_allclose(
        layer.forward(X), wanted["value"], rtol=1e-12, atol=1e-15
    )
    dx = layer.backward(DY)
    np.testing.assert_allclose(dx, wanted["gradient"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", REFERENCE["losses"])
def test_loss(name):
    wanted = REFERENCE["losses"][name]
    if name == "smoothed":
        loss = losses.SoftmaxCrossEntropy(label_smoothing=0.1)
    else:
        loss = getattr(losses, name)()
    by_class = "Softmax" in type(loss).__name__
    target = REFERENCE["classes"] if by_class else REFERENCE["shares"]
    assert loss.forward(X, target) == pytest.approx(wanted["value"], rel=1e-12)
    dz = loss.backward()
    np.testing.assert_allclose(dz, wanted["gradient"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "layer, x, y",
    [
        (activations.LeakyReLU(0.2), -3, -0.6),
        (activations.ELU(0.5), -1, 0.5 * (math.exp(-1) - 1)),
        (activations.ELU(0.5), 3, 3),
    ],
)
def test_activation_with_another_setting(layer, x, y):
    assert layer.predict(np.array([[x * 1.0]])) == pytest.approx(y)


SURE32 = np.ones(1, np.float32)


@pytest.mark.parametrize(
    "loss, prediction, target, wanted, slope",
    [
        (losses.Huber(2), [5.0, 1.0], [0.0, 0.0], 4.25, [1, 0.5]),
        (losses.CrossEntropy(), [[0.25, 0.75]], [0], math.log(4), [[-4, 0]]),
        (losses.CrossEntropy(), [[1e-9, 1]], [0], math.log(1e9), [[-1e9, 0]]),
        (losses.BinaryCrossEntropy(), [0.25, 0.5], [1, 0], math.log(8) / 2, [-2, 1]),
        (losses.BinaryCrossEntropy(), [1e-9], [1], math.log(1e9), [-1e9]),
        (losses.BinaryCrossEntropy(), [1.0], [0], math.log(1e12), [0]),
        (losses.BinaryCrossEntropy(), SURE32, [0], 24 * math.log(2), [0]),
    ],
)
def test_loss_by_hand(loss, prediction, target, wanted, slope):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss.forward(prediction, target) == pytest.approx(wanted, rel=1e-4)
        np.testing.assert_allclose(loss.backward(), slope)


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 40),
    k=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    average=st.sampled_from([None, "macro", "micro", "weighted"]),
)
def test_metrics_are_scikit_learns(n, k, seed, average):
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(0, k, (2, n)) * rng.integers(1, 3)  # classes may lack
    assert generalization.accuracy(y, predicted) == metrics.accuracy_score(y, predicted)
    labels = np.arange(max(y.max(), predicted.max()) + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a single class
        matrix = metrics.confusion_matrix(y, predicted, labels=labels)
    np.testing.assert_array_equal(generalization.confusion_matrix(y, predicted), matrix)
    for ours, theirs in (
        (generalization.precision, metrics.precision_score),
        (generalization.recall, metrics.recall_score),
        (generalization.f1, metrics.f1_score),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            got = ours(y, predicted, average)
        with warnings.catch_warnings(record=True) as expected:
            warnings.simplefilter("always")
            wanted = theirs(y, predicted, average=average)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)
        assert bool(caught) == bool(expected), (caught, expected)


def test_macro_and_micro_differ():
    y, predicted = [0, 0, 0, 1], [0, 0, 0, 0]
    with pytest.warns(UserWarning, match="precision"):
        assert generalization.precision(y, predicted, "macro") == pytest.approx(0.375)
    assert generalization.precision(y, predicted, "micro") == pytest.approx(0.75)
