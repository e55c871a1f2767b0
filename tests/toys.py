"""Made-up parts of a network that the tests share.

They are found, not listed: a layer, loss or optimizer that is new in the package is
tried by every test that asks `variants` for all of them.
"""

import functools
import inspect

import numpy as np

from nbhelpers.checkpoint import classes_below
from nbhelpers.layers import Layer

GIVEN = {"n_in": 3, "n_out": 2, "rate": 0.3, "lr": 0.1}  # what has no default


def make(kind, **chosen):
    """One of these: what is not chosen by its default, or else as GIVEN says."""
    known = GIVEN | {"rng": np.random.default_rng(0)}
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is parameter.empty and name in known:
            chosen.setdefault(name, known[name])
    return kind(**chosen)


def variants(base) -> dict:
    """By name, how to make one of each class below `base`, plain and changed.

    Changed: its settings are 0.25, which lies in every interval that settings have.
    """
    found = {}
    for name, kind in sorted(classes_below(base).items()):
        thing = make(kind)
        found[name] = functools.partial(make, kind)
        values = {key: getattr(thing, key) for key in kind.settings}
        others = {k: 0.25 for k, v in values.items() if isinstance(v, float)}
        others |= {k: not v for k, v in values.items() if isinstance(v, bool)}
        if others.keys() - {"lr"}:
            found[f"{name}, changed"] = functools.partial(make, kind, **others)
    return found


class BatchNorm(Layer):
    """Each column with mean 0 and variance 1: the batch's, in `predict` the past's."""

    settings = ("n",)

    def __init__(self, n):
        super().__init__(gain=np.ones(n), shift=np.zeros(n))
        self.n = n
        self.state = {"mean": np.zeros(n), "variance": np.ones(n)}

    def predict(self, x):
        z = (x - self.state["mean"]) / np.sqrt(self.state["variance"] + 1e-5)
        return self.params["gain"] * z + self.params["shift"]

    def forward(self, x):
        self.root = np.sqrt(x.var(axis=0) + 1e-5)
        self.z = (x - x.mean(axis=0)) / self.root
        self.state["mean"] += 0.1 * (x.mean(axis=0) - self.state["mean"])
        self.state["variance"] += 0.1 * (x.var(axis=0) - self.state["variance"])
        return self.params["gain"] * self.z + self.params["shift"]

    def backward(self, dy):
        self.grads["gain"], self.grads["shift"] = (dy * self.z).sum(0), dy.sum(0)
        dz = dy * self.params["gain"]
        return (dz - dz.mean(0) - self.z * (dz * self.z).mean(0)) / self.root


def everything(network, optimizer, *generators):
    """All that training changes, as plain values that can be compared."""
    memory = {k: v for k, v in vars(optimizer).items() if not callable(v)}
    return [
        plain(network.params | getattr(network, "state", {})),
        plain(memory),
        [g.bit_generator.state for g in generators],
    ]


def plain(value):
    """Arrays as lists, at any depth of dicts."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
