"""The loop: every row once an epoch, in new order; what is measured; how it ends."""

import math
import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbhelpers.activations import Sigmoid
from nbhelpers.dynamic_network import (
    GradientDescent,
    Network,
    batches,
    evaluate,
    fit,
    mlp,
)
from nbhelpers.fashion_mnist import train as train_recipe
from nbhelpers.generalization import Dropout, EarlyStopping
from nbhelpers.layers import Dense
from nbhelpers.losses import MeanSquaredError, SoftmaxCrossEntropy
from nbhelpers.optimizers import Adam, cosine


def toy(n=30, seed=0):
    """Points in the plane, class 1 where the first number is the larger."""
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return x, (x[:, 0] > x[:, 1]).astype(int)


def network(seed=0, dtype=np.float64):
    return mlp([2, 8, 2], np.random.default_rng(seed), dtype=dtype)


def run(net=None, data=None, **options):
    """`fit` with what a test does not care about filled in."""
    settings = {"epochs": 3, "batch_size": 8, "rng": np.random.default_rng(1)} | options
    net = net or network()
    optimizer = settings.pop("optimizer", None) or GradientDescent(0.1)
    loss = settings.pop("loss", None) or SoftmaxCrossEntropy()
    return net, fit(net, loss, optimizer, data or toy(), **settings)


@given(n=st.integers(1, 50), size=st.integers(1, 60), seed=st.integers(0, 99))
def test_batches_hold_every_row_once(n, size, seed):
    x, y = np.arange(n)[:, None] * 1.0, np.arange(n)
    pairs = list(batches(x, y, size, np.random.default_rng(seed)))
    assert [len(b) for b, _ in pairs[:-1]] == [size] * (len(pairs) - 1)
    assert len(pairs) == math.ceil(n / size)
    rows = np.concatenate([labels for _, labels in pairs])
    assert sorted(rows) == list(range(n))
    for a, b in pairs:
        np.testing.assert_array_equal(a[:, 0], b)


def test_batches_come_in_a_new_order_each_time():
    x, y = np.zeros((100, 1)), np.arange(100)
    rng = np.random.default_rng(0)
    first, second = (
        np.concatenate([b for _, b in batches(x, y, 7, rng)]) for _ in "ab"
    )
    assert (first != y).any() and (second != y).any() and (first != second).any()


def test_fit_learns_and_measures():
    x, y = toy(300)
    net, history = run(data=(x, y), validation=toy(100, 1), epochs=30)
    names = ["loss", "accuracy", "validation_loss", "validation_accuracy"]
    assert list(history) == names
    assert all(len(values) == 30 for values in history.values())
    assert history["loss"][-1] < history["loss"][0] / 2
    held = evaluate(net, SoftmaxCrossEntropy(), *toy(100, 1))
    assert history["validation_accuracy"][-1] == held["accuracy"] > 0.9
    assert history["validation_loss"][-1] == held["loss"]


def test_epoch_loss_weights_the_short_batch_by_its_size():
    x, y = toy(10)
    net = network()
    wanted = evaluate(net, SoftmaxCrossEntropy(), x, y)
    _, history = run(net, (x, y), epochs=1, batch_size=8, optimizer=GradientDescent(0))
    assert history["loss"][0] == pytest.approx(wanted["loss"], rel=1e-12)
    assert history["accuracy"][0] == wanted["accuracy"]


def test_evaluate_is_without_dropout():
    rng = np.random.default_rng(0)
    net = Network(Dense(2, 50, rng), Dropout(0.5, rng), Dense(50, 2, rng))
    x, y = toy(64)
    found = evaluate(net, SoftmaxCrossEntropy(), x, y, batch_size=7)
    loss = SoftmaxCrossEntropy().forward(net.predict(x), y)
    assert found["loss"] == pytest.approx(loss, rel=1e-12)
    assert found == evaluate(net, SoftmaxCrossEntropy(), x, y, batch_size=7)


def test_schedule_is_asked_at_every_step():
    asked = []

    def schedule(step, total):
        asked.append((step, total))
        return 0.1

    run(data=toy(30), schedule=schedule, epochs=2, batch_size=8)
    assert asked == [(step, 8) for step in range(8)]


def test_gradients_are_set_anew():
    x, y = toy(8)
    net, loss = network(), SoftmaxCrossEntropy()
    for _ in range(2):
        loss.forward(net.forward(x), y)
        net.set_grads(loss.backward())
        grads = {name: g.copy() for name, g in net.grads.items()}
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    for name, g in net.grads.items():
        np.testing.assert_array_equal(g, grads[name])


def test_grads_before_backward_are_missing():
    with pytest.raises(KeyError):
        network().grads["0.W"]


def test_regression_has_no_accuracy():
    x = np.linspace(-1, 1, 40)[:, None]
    rng = np.random.default_rng(0)
    net = Network(Dense(1, 8, rng), Sigmoid(), Dense(8, 1, rng))
    _, history = run(net, (x, np.sin(3 * x)), loss=MeanSquaredError(), epochs=5)
    assert list(history) == ["loss"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_data_is_converted_to_the_parameters_dtype(dtype):
    seen = []

    class Spy(Dense):
        def forward(self, x):
            seen.append(x.dtype)
            return super().forward(x)

    net = Network(Spy(2, 2, np.random.default_rng(0), dtype=dtype))
    run(net, epochs=1)
    assert set(seen) == {np.dtype(dtype)}
    assert all(w.dtype == dtype for w in net.params.values())


def test_same_seed_same_bits():
    a, b = (run(optimizer=Adam())[0] for _ in range(2))
    for name, w in a.params.items():
        np.testing.assert_array_equal(w, b.params[name])


def test_after_epoch_can_end_the_training():
    _, history = run(
        epochs=50, after_epoch=lambda net, history: len(history["loss"]) == 4
    )
    assert len(history["loss"]) == 4


def test_early_stopping_keeps_the_best():
    x, y = toy(40)
    stop = EarlyStopping(patience=2)
    net, history = run(
        data=(x, y),
        validation=toy(40, 5),
        epochs=200,
        optimizer=Adam(0.1),
        after_epoch=stop,
    )
    losses = history["validation_loss"]
    assert len(losses) < 200 and stop.best_epoch == len(losses) - 2
    stop.restore(net)
    found = evaluate(net, SoftmaxCrossEntropy(), *toy(40, 5))
    assert found["loss"] == min(losses) == losses[stop.best_epoch - 1]


@pytest.mark.parametrize("stop_after", [1, 3, 6])
def test_going_on_equals_never_having_stopped(stop_after):
    def start():
        return network(), {"optimizer": Adam(), "rng": np.random.default_rng(3)}

    net, parts = start()
    _, whole = run(net, epochs=7, schedule=cosine(0.02), **parts)
    again, parts = start()
    options = parts | {"epochs": 7, "schedule": cosine(0.02)}
    _, first = run(
        again,
        after_epoch=lambda net, history: len(history["loss"]) == stop_after,
        **options,
    )
    _, second = run(again, history=first, **options)
    assert second == whole and len(first["loss"]) == stop_after
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, again.params[name])


def test_ctrl_c_ends_at_the_border_of_a_step(capsys):
    class Pressed(GradientDescent):
        steps = 0

        def step(self, params, grads):
            self.steps += 1
            if self.steps == 7:
                os.kill(os.getpid(), signal.SIGINT)
            super().step(params, grads)
            self.finished = self.steps

    optimizer = Pressed(0.1)
    before = signal.getsignal(signal.SIGINT)
    net, history = run(optimizer=optimizer, epochs=100)
    assert optimizer.finished == 7  # four steps an epoch: in the second
    assert len(history["loss"]) == 1
    assert "Stopped by hand in epoch 2" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    assert net.predict(toy()[0]).shape == (30, 2)


def test_the_recipe_never_looks_at_the_test_data():
    x, y = toy(64)
    data = x.astype(np.float32), y, object(), object()
    net, history = train_recipe(data, np.random.default_rng(0), epochs=1)
    assert net.predict(data[0]).shape == (64, 2) and len(history["loss"]) == 1
