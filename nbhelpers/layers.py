"""Layers: what a step of a network is, `Dense`, and how its weights start.

Exported from notebooks/02_layers.ipynb.
"""

import math
from collections.abc import Callable

import numpy as np

from nbhelpers.border import border, described, not_there, takes, weights
from nbhelpers.single_pass import dense


class Layer:
    """One step of a network: arrays and their gradients, by name.

    params: what training changes    grads: gradients, by the names in params
    state: arrays that are kept and not trained    settings: names of what made it
    """

    settings = ()
    __repr__, __getattr__ = described, not_there

    def __init__(self, **params):
        self.params, self.grads, self.state = params, {}, {}

    def predict(self, x):
        """The output for x, remembering nothing."""
        raise NotImplementedError

    def forward(self, x):
        """The output for x, remembering what `backward` needs."""
        self.x, self.y = x, self.predict(x)
        return self.y

    def backward(self, dy):
        """Set the gradients of the parameters; return the gradient of x."""
        raise NotImplementedError

    def set_grads(self, dy):
        """`backward` where nobody needs the gradient of x: the first layer."""
        self.backward(dy)


def zeros(n_in: int, n_out: int, rng: np.random.Generator):
    """All zeros (n_in, n_out): the start from which no two units ever differ."""
    return np.zeros((n_in, n_out))


def normal(n_in: int, n_out: int, rng: np.random.Generator, std: float = 1.0):
    """Normal numbers of the given standard deviation, whatever the width."""
    return rng.normal(0, std, (n_in, n_out))


def lecun(n_in: int, n_out: int, rng: np.random.Generator):
    """Normal, variance 1 / n_in: weighted sums keep the variance of their inputs.

    LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998.
    """
    return rng.normal(0, math.sqrt(1 / n_in), (n_in, n_out))


def xavier(n_in: int, n_out: int, rng: np.random.Generator):
    """Normal, variance 2 / (n_in + n_out), for tanh, whose slope at 0 is 1.

    Not for the sigmoid: its slope there is 1/4, so every layer divides the spread by 4.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward
    neural networks, 2010.
    """
    return rng.normal(0, math.sqrt(2 / (n_in + n_out)), (n_in, n_out))


def he(n_in: int, n_out: int, rng: np.random.Generator):
    """Normal, variance 2 / n_in, for ReLU and its relatives.

    He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015.
    """
    return rng.normal(0, math.sqrt(2 / n_in), (n_in, n_out))


class Dense(Layer):
    """Weighted sums of the inputs, along their last axis: y = x W + b.

    x (..., n_in), two axes or more    W (n_in, n_out)    b (n_out,)    y (..., n_out)

    Raises ValueError for sizes below 1, for an rng or dtype that cannot make weights,
    for weights of another shape from `init`, and for an x of another last axis.
    """

    settings = ("n_in", "n_out")

    @border(n_in="count", n_out="count", rng="generator", dtype="float dtype")
    def __init__(
        self, n_in: int, n_out: int, rng: np.random.Generator, init: Callable = he,
        dtype=np.float64,
    ):  # fmt: skip
        W = weights("Dense", init(n_in, n_out, rng), n_in, n_out, dtype)
        super().__init__(W=W, b=np.zeros(n_out, dtype))
        self.n_in, self.n_out = n_in, n_out

    @takes("features")
    def predict(self, x):
        return dense(x, **self.params)

    def backward(self, dy):
        self.set_grads(dy)
        return dy @ self.params["W"].T  # (..., n_out) @ (n_out, n_in)

    def set_grads(self, dy):
        x, dy = self.x.reshape(-1, self.n_in), dy.reshape(-1, self.n_out)
        self.grads["W"] = x.T @ dy  # (n_in, n) @ (n, n_out)
        self.grads["b"] = dy.sum(axis=0)
