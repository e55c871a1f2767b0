"""The loop: every row once an epoch, in new order; what is measured; how it ends."""

import itertools
import math
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbhelpers.activations import ReLU, Sigmoid
from nbhelpers.dynamic_network import (
    Diverged,
    GradientDescent,
    Network,
    batches,
    evaluate,
    fit,
    mlp,
)
from nbhelpers.generalization import Dropout, EarlyStopping
from nbhelpers.layers import Dense
from nbhelpers.losses import MeanSquaredError, SoftmaxCrossEntropy
from nbhelpers.optimizers import SGD, Adam, clip_gradients, cosine
from toys import BatchNorm, everything


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


# ---- batches, and what is measured


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
    scores = net.predict(x)
    loss = SoftmaxCrossEntropy().forward(scores, y)
    assert found["loss"] == pytest.approx(loss, rel=1e-12)
    assert found["accuracy"] == (scores.argmax(axis=1) == y).mean()
    assert found == evaluate(net, SoftmaxCrossEntropy(), x, y, batch_size=7)


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


# ---- gradients


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


def test_nobody_asks_the_first_layer_for_the_gradient_of_x():
    class First(Dense):
        def backward(self, dy):
            raise AssertionError("this takes as long as the rest of the layer")

    rng = np.random.default_rng(0)
    inner = Network(First(2, 4, rng), ReLU(), Dense(4, 3, rng))
    net, _ = run(Network(inner, ReLU(), Dense(3, 2, rng)))
    assert len(net.grads) == 6


# ---- rates, gradients and epochs with a word from outside


def test_schedule_is_asked_at_every_step():
    asked = []

    def schedule(step, total):
        asked.append((step, total))
        return 0.1

    run(data=toy(30), schedule=schedule, epochs=2, batch_size=8)
    assert asked == [(step, 8) for step in range(8)]


class Rates(GradientDescent):
    """An optimizer that keeps the rate of each of its steps."""

    def __init__(self, lr):
        super().__init__(lr)
        self.seen = []

    def step(self, params, grads):
        self.seen.append(self.lr)
        super().step(params, grads)


def test_the_rate_is_the_same_after_a_schedule():
    optimizer = Rates(0.3)
    for _ in range(2):
        run(optimizer=optimizer, schedule=cosine(0.2))
        assert optimizer.lr == 0.3
    run(optimizer=optimizer, epochs=1)
    wanted = [cosine(0.2)(step, 12) for step in range(12)]
    assert optimizer.seen == wanted * 2 + [0.3] * 4


def test_the_rate_is_the_same_after_an_error():
    optimizer = Rates(0.3)

    def schedule(step, total):
        return 0.1 if step < 5 else [][0]

    with pytest.raises(IndexError):
        run(optimizer=optimizer, schedule=schedule)
    assert optimizer.lr == 0.3
    optimizer.move = lambda w, g: [][0]
    with pytest.raises(IndexError):
        run(optimizer=optimizer, schedule=cosine(0.1))
    assert optimizer.lr == 0.3


def test_the_rate_can_be_changed_by_hand():
    optimizer = Rates(0.4)

    def halve(net, history):
        optimizer.lr /= 2

    run(optimizer=optimizer, after_epoch=halve)
    assert optimizer.seen == [0.4] * 4 + [0.2] * 4 + [0.1] * 4 and optimizer.lr == 0.05


def test_before_step_has_the_last_word_on_the_gradients():
    norms = []

    def keep(grads):
        norms.append(math.hypot(*(v for g in grads.values() for v in g.ravel())))
        return {name: 0 * g for name, g in grads.items()}

    net, start = network(), network()
    run(net, before_step=keep)
    assert len(norms) == 12 and min(norms) > 0
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, start.params[name])


def test_clipping_keeps_finite_what_diverges_without():
    x = np.random.default_rng(0).normal(size=(30, 4))

    def go(before_step=None):
        net = mlp([4, 8, 1], np.random.default_rng(0))
        data, loss = (x, 1e3 * x[:, :1]), MeanSquaredError()
        options = {"loss": loss, "epochs": 20, "optimizer": SGD(0.05)}
        return run(net, data, before_step=before_step, **options)

    with np.errstate(all="ignore"), pytest.raises(Diverged):
        go()
    net, history = go(lambda grads: clip_gradients(grads, 1.0))
    assert len(history["loss"]) == 20 and np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]


def test_after_epoch_can_end_the_training():
    _, history = run(
        epochs=50, after_epoch=lambda net, history: len(history["loss"]) == 4
    )
    assert len(history["loss"]) == 4


def test_early_stopping_keeps_the_best():
    x, y = toy(40)
    stop = EarlyStopping(patience=2)
    rng = np.random.default_rng(0)
    net, history = run(
        Network(Dense(2, 8, rng), BatchNorm(8), ReLU(), Dense(8, 2, rng)),
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


# ---- an epoch is done whole or not at all


def test_same_seed_same_bits():
    a, b = (run(optimizer=Adam())[0] for _ in range(2))
    for name, w in a.params.items():
        np.testing.assert_array_equal(w, b.params[name])


class Training:
    """A training of four epochs of four steps that has all there is to put back."""

    def __init__(self):
        rng, own = np.random.default_rng(3), np.random.default_rng(4)
        layers = BatchNorm(8), ReLU(), Dropout(0.3, own), Dense(8, 2, rng)
        self.network = Network(Dense(2, 8, rng), *layers)
        self.loss, self.optimizer = SoftmaxCrossEntropy(), SGD(0.1, momentum=0.9)
        self.schedule, self.rng, self.own = cosine(0.2), rng, own
        self.history, self.before_step = None, lambda grads: grads

    def go(self, stop_after=None, after_epoch=None):
        self.history = fit(
            self.network,
            self.loss,
            self.optimizer,
            toy(30),
            toy(10, seed=5),
            epochs=4,
            batch_size=8,
            rng=self.rng,
            schedule=self.schedule,
            before_step=self.before_step,
            after_epoch=after_epoch or (lambda net, h: len(h["loss"]) == stop_after),
            history=self.history,
        )
        return self.all()

    def all(self):
        return everything(self.network, self.optimizer, self.rng, self.own)


def whole(epochs=4):
    """All that the training has changed after so many epochs, and its history."""
    training = Training()
    return training.go(epochs), training.history


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_going_on_equals_never_having_stopped(stop_after):
    training = Training()
    training.go(stop_after)
    first = training.history
    assert len(first["loss"]) == stop_after
    assert (training.go(), training.history) == whole()
    assert len(first["loss"]) == stop_after  # the caller's own is not changed
    assert (training.go(), training.history) == whole()  # there is nothing left to do


def happens_at(thing, name, number, event):
    """Let something happen at the end of the call of thing.name with this number."""
    call, calls = getattr(thing, name), itertools.count(1)

    def then(*given, **named):
        result = call(*given, **named)
        if next(calls) == number:
            event()
        return result

    setattr(thing, name, then)


MOMENTS = {  # what is called, and the number of the call, in the second epoch
    "at its first step": (lambda t: t, "schedule", 5),
    "with gradients not used yet": (lambda t: t, "before_step", 6),
    "after its third step": (lambda t: t.optimizer, "step", 7),
    "between two parameters": (lambda t: t.optimizer, "move", 6 * 6 + 3),
    "when a mask has been drawn": (lambda t: t.network.layers[3], "forward", 7),
    "when the means have moved": (lambda t: t.network.layers[1], "forward", 8),
    "after its last step": (lambda t: t.optimizer, "step", 8),
    "at its last loss": (lambda t: t.loss, "backward", 8),
    "in the validation": (lambda t: t.network, "predict", 2),
    "after the validation": (lambda t: t.loss, "forward", 10),
}
at_any_moment = pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as at a terminal, where the tests themselves may run under nohup."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@at_any_moment
def test_ctrl_c_undoes_the_epoch(moment, ctrl_c, capsys):
    thing, name, number = moment
    training = Training()
    happens_at(thing(training), name, number, ctrl_c)
    assert (training.go(), training.history) == whole(1)
    assert "Stopped by hand in epoch 2" in capsys.readouterr().out
    assert (training.go(), training.history) == whole()


@at_any_moment
def test_an_error_undoes_the_epoch_and_has_the_history(moment):
    def fails():
        raise OSError("the disk is full")

    thing, name, number = moment
    training = Training()
    happens_at(thing(training), name, number, fails)
    with pytest.raises(OSError, match="^the disk is full$") as error:
        training.go()
    training.history = error.value.history
    assert (training.all(), training.history) == whole(1)
    assert (training.go(), training.history) == whole()


def test_what_happens_after_an_epoch_does_not_undo_it(ctrl_c):
    training = Training()
    training.go(after_epoch=lambda net, h: len(h["loss"]) == 2 and ctrl_c())
    assert (training.all(), training.history) == whole(2)
    with pytest.raises(ZeroDivisionError) as error:
        training.go(after_epoch=lambda net, h: 1 / (3 - len(h["loss"])))
    training.history = error.value.history
    assert (training.all(), training.history) == whole(3)
    assert (training.go(), training.history) == whole()


def test_the_first_epoch_undone_leaves_nothing(ctrl_c):
    training = Training()
    start = training.all()
    happens_at(training.loss, "forward", 5, ctrl_c)  # the losses are measured then
    assert (training.go(), training.history) == (start, {})
    assert (training.go(), training.history) == whole()


@pytest.mark.parametrize(
    "handler", [signal.SIG_IGN, lambda *_: None], ids=["nohup", "one's own"]
)
def test_where_ctrl_c_is_ignored_it_stays_so(handler):
    """As under nohup: nothing stops, and nobody sets another handler."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        training = Training()
        happens_at(
            training.optimizer, "step", 7, lambda: signal.raise_signal(signal.SIGINT)
        )
        assert (training.go(), training.history) == whole()
        with pytest.raises(ZeroDivisionError):
            run(schedule=lambda step, total: 1 / (5 - step))
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_too_an_epoch_is_undone():
    net, found = network(), []

    def train():
        try:
            run(net, schedule=lambda step, total: 1 / (2 - step))
        except ZeroDivisionError as error:
            found.append(error.history)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [{}]
    for name, w in network().params.items():
        np.testing.assert_array_equal(net.params[name], w)


TWICE = """
import signal, time
import numpy as np
from nbhelpers.dynamic_network import GradientDescent, fit, mlp
from nbhelpers.losses import SoftmaxCrossEntropy

signal.signal(signal.SIGINT, signal.default_int_handler)
def wait(word):
    print(word, flush=True)
    time.sleep(60)

class Slow(GradientDescent):
    def step(self, params, grads):
        wait("in a step")

rng = np.random.default_rng(0)
net, x, y = mlp([2, 2], rng), np.ones((4, 2)), np.array([0, 1, 0, 1])
fit(net, SoftmaxCrossEntropy(), Slow(0.1), (x, y), epochs=9, rng=rng)
wait("returned")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process alone")
def test_ctrl_c_waits_for_nothing_and_the_second_ends_all():
    child = subprocess.Popen(
        [sys.executable, "-c", TWICE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "in a step\n"
        timer = threading.Timer(30, child.kill)
        timer.start()
        child.send_signal(signal.SIGINT)
        assert "Stopped by hand in epoch 1" in child.stdout.readline()
        assert child.stdout.readline() == "returned\n"
        child.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in child.stderr.read()
        timer.cancel()


# ---- divergence


def test_divergence_says_where_and_undoes_its_epoch():
    """What was put back is not only finite, it is what the epoch began with."""
    x = np.random.default_rng(0).normal(size=(30, 4))
    net, optimizer = mlp([4, 1], np.random.default_rng(0)), SGD(5.0, momentum=0.5)
    rng, seen = np.random.default_rng(1), []

    def after_epoch(net, history):
        seen.append((everything(net, optimizer, rng), list(history["loss"])))

    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        run(
            net,
            (x, x[:, :1]),
            optimizer=optimizer,
            loss=MeanSquaredError(),
            epochs=500,
            rng=rng,
            after_epoch=after_epoch,
        )
    assert (everything(net, optimizer, rng), error.value.history["loss"]) == seen[-1]
    batch = "batch [1-4], rate 5"
    assert error.match(rf"^the loss is (inf|nan) \(epoch {len(seen) + 1}, {batch}\)")
    assert error.match("lower the rate, scale the inputs, or clip the gradients")


@pytest.mark.parametrize("batch", [2, 3])
def test_divergence_names_the_batch(batch):
    steps = itertools.count(2)  # of the batch that sees what the step has done

    def before_step(grads):
        far = 0 if next(steps) < batch else np.inf
        return {name: g + far for name, g in grads.items()}

    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        run(before_step=before_step)
    assert error.match(rf"epoch 1, batch {batch},")


@pytest.mark.parametrize("name", ["0.W", "0.b", "2.W", "2.b"])
@pytest.mark.parametrize("step, epochs", [(4, 0), (8, 1)])
def test_any_parameter_that_is_not_finite_is_found(name, step, epochs):
    """In the last step of an epoch no loss shows it any more."""
    net, optimizer, steps = network(), Adam(), itertools.count(1)

    def before_step(grads):
        return grads | {name: grads[name] + (np.inf if next(steps) == step else 0)}

    wanted, done = network(), {}
    if epochs:
        done = run(wanted, optimizer=Adam(), epochs=epochs)[1]
    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        run(net, optimizer=optimizer, before_step=before_step)
    assert error.match(rf"^parameter '{name}'.*\(epoch {epochs + 1}, batch 4, rate ")
    assert error.value.history == done
    for key, w in net.params.items():
        np.testing.assert_array_equal(w, wanted.params[key])
