"""A network of any depth and width, and the loop that trains it for many epochs.

Exported from notebooks/05_dynamic_network.ipynb.
"""

import itertools
import math
from contextlib import contextmanager

import numpy as np

from nbhelpers.activations import ReLU
from nbhelpers.checks import (
    check_count,
    check_data,
    check_generator,
    check_grads,
    check_mlp,
    check_number,
    check_parts,
    check_rows,
    warn_of_zeros,
    whole_steps,
)
from nbhelpers.layers import Dense, Layer, he


def by_place(layers, kind):
    """The `kind` of all layers in one dict: "2.W" is the W of layer 2.

    kind: "params" or "grads"
    """
    return {
        f"{i}.{name}": array
        for i, layer in enumerate(layers)
        for name, array in getattr(layer, kind).items()
    }


def check_layers(layers):
    """TypeError for the first of them that is no Layer, ValueError for one twice."""
    for layer in layers:
        if not isinstance(layer, Layer):
            hint = "ReLU() is one, ReLU is not; a list: Network(*layers)"
            raise TypeError(f"Network: expected layers, got {layer!r}; {hint}")
    if len(set(map(id, layers))) < len(layers):
        raise ValueError("Network: a layer stands at two places; make one for each")


class Network(Layer):
    """Layers one behind the other, a layer itself: "2.W" is the W of layer 2."""

    params = property(lambda self: by_place(self.layers, "params"))
    grads = property(lambda self: by_place(self.layers, "grads"))

    def __init__(self, *layers):
        check_layers(layers)
        self.layers = layers

    def predict(self, x):
        for layer in self.layers:
            x = layer.predict(x)
        return x

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def set_grads(self, dy):
        first, *rest = self.layers
        first.set_grads(Network(*rest).backward(dy))


def mlp(sizes, rng, activation=ReLU, init=he, dtype=np.float64):
    """A multilayer perceptron: Dense layers of the given sizes, activations between.

    sizes [n_in, ..., n_out], at least two    activation: a class of layers, or any
    function that makes one    returns a Network whose last layer gives scores
    """
    check_mlp(sizes, activation)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [Dense(n_in, n_out, rng, init, dtype), activation()]
    return Network(*layers[:-1])


class GradientDescent:
    """The plain step downhill: w becomes w - lr * gradient."""

    def __init__(self, lr):
        check_number("GradientDescent", "lr", lr, 0)
        self.lr = lr

    def step(self, params, grads):
        """Update every array of `params` in place, given `grads` of the same names."""
        check_grads("GradientDescent", params, grads)
        for name, w in params.items():
            w -= self.lr * grads[name]


def batches(x, y, batch_size, rng):
    """All rows once, in a new random order, in pairs x, y of batch_size rows.

    The last pair is shorter where batch_size does not divide the number of rows.
    """
    check_rows("batches", x, y)
    check_count("batches", "batch_size", batch_size)
    check_generator("batches", rng)
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x[rows], y[rows]


def is_classes(y):
    """Whether y holds class indices: whole numbers, one a row."""
    return y.ndim == 1 and y.dtype.kind in "iu"


def measures(total_loss, right, y):
    """The means over the rows of y: "loss" and, where y holds classes, "accuracy"."""
    mean = {"loss": total_loss / len(y)}
    return mean | {"accuracy": right / len(y)} if is_classes(y) else mean


def count_right(scores, y):
    """How many rows have their highest score at class y; 0 where y is no class."""
    return int((scores.argmax(axis=1) == y).sum()) if is_classes(y) else 0


def evaluate(network, loss, x, y, batch_size=1000):
    """The mean "loss" over all rows and, for class indices y, the "accuracy".

    Measured with `predict`, so dropout is off and nothing is remembered.
    """
    check_rows("evaluate", x, y)
    check_count("evaluate", "batch_size", batch_size)
    total, right = 0.0, 0
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        scores = network.predict(x[rows])
        total += loss.forward(scores, y[rows]) * len(scores)
        right += count_right(scores, y[rows])
    return measures(total, right, y)


class Diverged(ArithmeticError):
    """Training met a loss that is no finite number; `history` is what was measured."""


def train_epoch(network, loss, optimizer, x, y, batch_size, rng, rates):
    """One pass over all rows, a step a batch; the mean loss and accuracy on the way.

    rates: an iterator, the next rate for each step. Raises Diverged.
    """
    total, right = 0.0, 0
    start = {name: w.copy() for name, w in network.params.items()}
    with whole_steps() as pressed:  # Ctrl-C waits until the step is complete
        for i, (x_batch, y_batch) in enumerate(batches(x, y, batch_size, rng)):
            if pressed:
                raise KeyboardInterrupt
            optimizer.lr = next(rates)
            scores = network.forward(x_batch)
            batch_loss = loss.forward(scores, y_batch)
            if not math.isfinite(batch_loss):
                put_back(network.params, start)
                raise Diverged(f"batch {i + 1}, rate {optimizer.lr:g}: {batch_loss}")
            network.set_grads(loss.backward())
            optimizer.step(network.params, network.grads)
            total += batch_loss * len(x_batch)
            right += count_right(scores, y_batch)
    return measures(total, right, y)


def put_back(params, start):
    """Return to the arrays in `start` if any parameter is no longer finite."""
    if not all(np.isfinite(w).all() for w in params.values()):
        for name, w in params.items():
            w[...] = start[name]


def rate_of_each_step(schedule, lr, first, total_steps):
    """An iterator over the rates from step `first` on: the schedule's, or always lr."""
    if schedule is None:
        return itertools.repeat(lr)
    rates = (schedule(step, total_steps) for step in range(first, total_steps))
    return map(check_rate, rates)


def check_rate(lr):
    """The rate itself; ValueError where it is negative, NaN or infinite."""
    check_number("fit", "the rate given by the schedule", lr, 0)
    return lr


@contextmanager
def ends_well(history):
    """Ctrl-C ends with a sentence, divergence with an error that has the history."""
    try:
        yield
    except KeyboardInterrupt:
        epoch = len(history.get("loss", [])) + 1
        print(f"Stopped by hand in epoch {epoch}; the network keeps what it learned.")
    except Diverged as error:
        epoch = len(history.get("loss", [])) + 1
        error.history = history
        error.args = (
            f"the loss is not finite any more (epoch {epoch}, {error}); lower the "
            "rate, scale the inputs or clip the gradients",
        )
        raise


def fit(
    network, loss, optimizer, train, validation=None, *, epochs, batch_size=128, rng,
    schedule=None, after_epoch=None, history=None,
):  # fmt: skip
    """Train `network` in place; return what each epoch measured, as lists by name.

    train, validation: pairs x (n, n_in), y (n,) or (n, n_out), converted once to the
    dtype of the parameters; ValueError for what cannot be trained on. Returns "loss",
    "accuracy" (class indices only), "validation_loss", "validation_accuracy".
    schedule(step, total_steps) gives the rate of a step; after_epoch(network, history)
    ends the training by returning True; an earlier `history` is gone on from.
    """
    check_parts(network, loss, optimizer, schedule, after_epoch)
    x, y, validation = prepare(network, train, validation, epochs, batch_size, rng)
    history = {name: list(values) for name, values in (history or {}).items()}
    steps, done = math.ceil(len(x) / batch_size), len(history.get("loss", []))
    rates = rate_of_each_step(schedule, optimizer.lr, done * steps, epochs * steps)
    with ends_well(history):
        for _ in range(done, epochs):
            new = train_epoch(network, loss, optimizer, x, y, batch_size, rng, rates)
            if validation is not None:
                held_out = evaluate(network, loss, *validation)
                new |= {f"validation_{name}": value for name, value in held_out.items()}
            for name, value in new.items():
                history.setdefault(name, []).append(value)
            if after_epoch is not None and after_epoch(network, history):
                break
    return history


def prepare(network, train, validation, epochs, batch_size, rng):
    """The data of `fit`, checked and in the network's dtype: x, y, validation pair."""
    check_count("fit", "epochs", epochs)
    check_count("fit", "batch_size", batch_size)
    check_generator("fit", rng)
    if not network.params:
        raise ValueError("fit: the network has no parameters to train")
    warn_of_zeros("fit", network.params)
    dtype = next(iter(network.params.values())).dtype
    if validation is not None:
        validation = check_data("fit", "validation", validation, dtype)
    return *check_data("fit", "train", train, dtype), validation
