"""A network of any depth and width, and the loop that trains it for many epochs.

Exported from notebooks/05_dynamic_network.ipynb.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from nbhelpers.activations import ReLU
from nbhelpers.border import border, described, takes
from nbhelpers.guard import Diverged as Diverged
from nbhelpers.guard import Paced, Watched, reporting_the_end, training_parts
from nbhelpers.guard import whole_epoch
from nbhelpers.layers import Dense, Layer, he
from nbhelpers.single_pass import check_gradient


def named(layers, kind: str) -> dict:
    """The "params", "grads" or "state" of all layers: "2.W" is the W of layer 2."""
    return {
        f"{i}.{name}": array
        for i, layer in enumerate(layers)
        for name, array in getattr(layer, kind).items()
    }


class Network(Layer):
    """Layers in a row, itself a layer; TypeError for others, ValueError for twins."""

    settings = ("layers",)
    params = property(lambda self: named(self.layers, "params"))
    grads = property(lambda self: named(self.layers, "grads"))
    state = property(lambda self: named(self.layers, "state"))

    @border("distinct layers")
    def __init__(self, *layers):
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

    @takes("some layers")
    def set_grads(self, dy):
        first, *rest = self.layers
        for layer in reversed(rest):
            dy = layer.backward(dy)
        first.set_grads(dy)


@border(sizes="layer sizes", activation="layer class")
def mlp(
    sizes, rng: np.random.Generator, activation: Callable = ReLU, init: Callable = he,
    dtype=np.float64,
) -> Network:  # fmt: skip
    """A multilayer perceptron: Dense layers of the given sizes, activations between.

    sizes [n_in, ..., n_out], at least two    activation: a class of layers, or any
    function that makes one    returns a Network whose last layer gives scores
    """
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [Dense(n_in, n_out, rng, init, dtype), activation()]
    return Network(*layers[:-1])


def loss_with(value, w, network, loss, x, y) -> float:
    """The loss of the network with its array w set to value for a moment."""
    start = w.copy()
    w[...] = value
    result = loss.forward(network.predict(x), y)
    w[...] = start
    return result


def check_network(network, loss, x, y) -> int:
    """Compare every gradient with finite differences; the number of entries checked.

    Raises AssertionError that names the parameter, as `check_gradient` does.
    """
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    context = (network, loss, x, y)
    for name, w in network.params.items():
        try:
            check_gradient(
                lambda value, w=w: loss_with(value, w, *context), w, network.grads[name]
            )
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    return sum(w.size for w in network.params.values())


def remembered(optimizer, name: str, w) -> list:
    """What an optimizer keeps of the parameter w: an array like it for each slot."""
    slots = [getattr(optimizer, slot) for slot in optimizer.slots]
    if any(name not in slot for slot in slots):
        for slot in slots:
            slot.setdefault(name, np.zeros_like(w))
    return [slot[name] for slot in slots]


class Optimizer:
    """Moves every parameter by its gradient, in place; `move` says how far.

    slots: what is kept of each parameter: with "m" in it self.m[name], 0 at first
    """

    settings, slots = ("lr",), ()
    __repr__ = described

    def __init__(self, lr: float):
        self.lr, self.t = lr, 0
        vars(self).update({slot: {} for slot in self.slots})

    @takes("parameters and gradients")
    def step(self, params: dict, grads: dict):
        """Update every array of `params` in place, given `grads` of the same names."""
        self.begin()
        for name, w in params.items():
            self.move(w, grads[name], *remembered(self, name, w))

    def begin(self):
        """Count the step, before any parameter moves."""
        self.t += 1

    def move(self, w, g, *kept):
        """Change the array w in place, given its gradient g and what is kept of it."""
        raise NotImplementedError


class GradientDescent(Optimizer):
    """The plain step downhill: w becomes w - lr * gradient."""

    @border(lr="[0, inf)")
    def __init__(self, lr: float):
        super().__init__(lr)

    def move(self, w, g):
        w -= self.lr * g


@border("same rows", batch_size="count", rng="generator")
def batches(x, y, batch_size: int, rng: np.random.Generator):
    """All rows once, in a new random order, in pairs x, y of batch_size rows.

    The last pair is shorter where batch_size does not divide the number of rows.
    """
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x.take(rows, axis=0), y.take(rows, axis=0)


class Tally:
    """The mean loss of the rows seen and, for class indices y, the accuracy."""

    def __init__(self):
        self.rows, self.loss, self.right = 0, 0.0, None

    def add(self, loss: float, scores, y):
        """Take in one batch: its mean loss, and its scores beside y."""
        self.rows += len(y)
        self.loss += loss * len(y)
        if y.ndim == 1 and y.dtype.kind in "iu":
            self.right = (self.right or 0) + int((scores.argmax(axis=1) == y).sum())

    def means(self) -> dict:
        mean = {"loss": self.loss / self.rows}
        return (
            mean if self.right is None else mean | {"accuracy": self.right / self.rows}
        )


@border("same rows", batch_size="count")
def evaluate(network, loss, x, y, batch_size: int = 1000) -> dict:
    """The mean "loss" over all rows and, for class indices y, the "accuracy".

    Measured with `predict`, so dropout is off and nothing is remembered.
    """
    tally = Tally()
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        scores = network.predict(x[rows])
        tally.add(loss.forward(scores, y[rows]), scores, y[rows])
    return tally.means()


def train_epoch(network, loss, optimizer, pairs) -> dict:
    """A step for each pair x, y; the means of loss and accuracy on the way."""
    tally = Tally()
    for x, y in pairs:
        scores = network.forward(x)
        tally.add(loss.forward(scores, y), scores, y)
        network.set_grads(loss.backward())
        optimizer.step(network.params, network.grads)
    return tally.means()


@border(training_parts, epochs="count", batch_size="count", rng="generator")
def fit(
    network, loss, optimizer, train, validation=None, *, epochs: int,
    batch_size: int = 128, rng: np.random.Generator, schedule: Callable | None = None,
    before_step: Callable | None = None, after_epoch: Callable | None = None,
    history: dict | None = None,
) -> dict:  # fmt: skip
    """Train `network` in place; return what each epoch measured, as lists by name.

    train, validation: pairs x (n, n_in), y (n,) or (n, n_out), converted once to the
    dtype of the parameters. Returns "loss", "accuracy" (for class indices), and both
    with "validation_" before. schedule(step, total_steps) gives a step's rate;
    before_step(grads) the gradients to step with; after_epoch(network, history) ends
    the training by True; an earlier `history` is continued. Ctrl-C undoes its epoch and
    returns; a loss that is not finite undoes its own and raises Diverged.
    """
    steps, done = math.ceil(len(train[0]) / batch_size), len(history.get("loss", []))
    paced = Paced(optimizer, schedule, before_step, done * steps, epochs * steps)
    watched = Watched(loss)
    with reporting_the_end(history, paced, steps):
        for _ in range(done, epochs):
            with whole_epoch(network, optimizer, rng, history):
                pairs = batches(*train, batch_size, rng)
                means = train_epoch(network, watched, paced, pairs)
                if validation is not None:
                    held_out = evaluate(network, loss, *validation)
                    means |= {f"validation_{k}": v for k, v in held_out.items()}
                for name, mean in means.items():
                    history.setdefault(name, []).append(mean)
            if after_epoch is not None and after_epoch(network, history):
                break
    return history
