"""Layers: what a step of a network is, `Dense`, and how its weights start.

Exported from notebooks/02_layers.ipynb.
"""

import math

import numpy as np

from nbhelpers.checks import check_batch, check_sizes, check_weights
from nbhelpers.single_pass import dense


class Layer:
    """One step of a network: its arrays and their gradients, by name."""

    def __init__(self, **params):
        self.params, self.grads = params, {}

    def predict(self, x):
        """The output for x, remembering nothing."""
        raise NotImplementedError

    def forward(self, x):
        """The output for x, remembering what `backward` needs."""
        self.x = x
        return self.predict(x)

    def backward(self, dy):
        """Set the gradients of the parameters; return the gradient of x."""
        raise NotImplementedError

    def set_grads(self, dy):
        """`backward` for the first layer of a network: nobody asks for dx there."""
        self.backward(dy)


def zeros(n_in, n_out, rng):
    """All zeros (n_in, n_out): the start from which no two units ever differ."""
    return np.zeros((n_in, n_out))


def normal(n_in, n_out, rng, std=1.0):
    """Normal numbers of the given standard deviation, whatever the width."""
    return rng.normal(0, std, (n_in, n_out))


def lecun(n_in, n_out, rng):
    """Normal, variance 1 / n_in: weighted sums keep the variance of their inputs.

    LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998.
    """
    return rng.normal(0, math.sqrt(1 / n_in), (n_in, n_out))


def xavier(n_in, n_out, rng):
    """Normal, variance 2 / (n_in + n_out), for tanh and sigmoid.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward
    neural networks, 2010.
    """
    return rng.normal(0, math.sqrt(2 / (n_in + n_out)), (n_in, n_out))


def he(n_in, n_out, rng):
    """Normal, variance 2 / n_in, for ReLU and its relatives.

    He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015.
    """
    return rng.normal(0, math.sqrt(2 / n_in), (n_in, n_out))


class Dense(Layer):
    """Weighted sums of the inputs: y = x W + b.

    x (n, n_in)    W (n_in, n_out)    b (n_out,)    y (n, n_out)

    Raises ValueError for sizes below 1, for an rng or dtype that cannot make weights,
    for weights of another shape from `init`, and for an x that is not (n, n_in).
    """

    def __init__(self, n_in, n_out, rng, init=he, dtype=np.float64):
        check_sizes("Dense", n_in, n_out, rng, dtype)
        W = init(n_in, n_out, rng).astype(dtype)
        check_weights("Dense", W, n_in, n_out)
        super().__init__(W=W, b=np.zeros(n_out, dtype))

    def predict(self, x):
        n_in, n_out = self.params["W"].shape
        check_batch(f"Dense({n_in}, {n_out})", x, n_in)
        return dense(x, **self.params)

    def backward(self, dy):
        self.set_grads(dy)
        return dy @ self.params["W"].T  # (n, n_out) @ (n_out, n_in)

    def set_grads(self, dy):
        self.grads["W"] = self.x.T @ dy  # (n_in, n) @ (n, n_out)
        self.grads["b"] = dy.sum(axis=0)
