"""Activations, losses and metrics against the numbers of trusted libraries.

PyTorch's are stored in reference/, beside the script that made them; scikit-learn's
metrics are computed here.
"""

import json
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


@pytest.mark.parametrize(
    "y, predicted, words",
    [
        ([0, 1], [0], "2 labels but 1 predictions"),
        ([], [], "dtype float64"),
        ([0.0, 1.0], [0, 1], "whole numbers"),
        ([0, 1], [[0.2, 0.8], [0.6, 0.4]], r"got \(2, 2\)"),
        ([0, -1], [0, 1], "got -1 at row 1"),
        (["cat", "dog"], [0, 1], "whole numbers"),
    ],
)
def test_metrics_refuse(y, predicted, words):
    for metric in (
        generalization.accuracy,
        generalization.confusion_matrix,
        generalization.f1,
    ):
        with pytest.raises(ValueError, match=words):
            metric(y, predicted)


def test_metrics_refuse_an_unknown_average():
    with pytest.raises(ValueError, match="average must be None, 'macro'"):
        generalization.f1([0, 1], [0, 1], "binary")


def test_macro_and_micro_differ():
    y, predicted = [0, 0, 0, 1], [0, 0, 0, 0]
    with pytest.warns(UserWarning, match="precision"):
        assert generalization.precision(y, predicted, "macro") == pytest.approx(0.375)
    assert generalization.precision(y, predicted, "micro") == pytest.approx(0.75)
