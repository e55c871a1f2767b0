"""Activations: the functions that bend the line, each a layer without parameters.

Every one works on x of any shape, entry by entry, but for Softmax, which works on the
rows of x (n, k). Exported from notebooks/03_activations.ipynb.
"""

import math

import numpy as np

from nbhelpers.border import border
from nbhelpers.layers import Layer
from nbhelpers.single_pass import relu, sigmoid, softmax


class ReLU(Layer):
    """The positive part: y = max(x, 0).  Its slope at 0 is taken as 0."""

    def predict(self, x):
        return relu(x)

    def backward(self, dy):
        return dy * (self.x > 0)


class LeakyReLU(Layer):
    """y = x above 0 and slope * x below.  Its slope at 0 is taken as `slope`.

    Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic
    models, 2013. Raises ValueError for a slope outside [0, 1].
    """

    settings = ("slope",)

    @border(slope="[0, 1]")
    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope = slope

    def predict(self, x):
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dy):
        return dy * np.where(self.x > 0, 1, self.slope).astype(dy.dtype)


class ELU(Layer):
    """y = x above 0 and alpha * (exp(x) - 1) below.  Slope alpha at 0.

    Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units, 2015. Raises ValueError for a negative alpha.
    """

    settings = ("alpha",)

    @border(alpha="[0, inf)")
    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = alpha

    def predict(self, x):
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def backward(self, dy):
        below = self.alpha * np.exp(np.minimum(self.x, 0))
        return dy * np.where(self.x > 0, 1, below)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), in (0, 1).  Its slope is y (1 - y)."""

    def predict(self, x):
        return sigmoid(x)

    def backward(self, dy):
        return dy * self.y * (1 - self.y)


class Tanh(Layer):
    """The hyperbolic tangent, in (-1, 1).  Its slope is 1 - y^2."""

    def predict(self, x):
        return np.tanh(x)

    def backward(self, dy):
        return dy * (1 - self.y**2)


class Softplus(Layer):
    """A smooth ReLU: y = log(1 + exp(x)).  Its slope is the sigmoid."""

    def predict(self, x):
        return np.logaddexp(0, x)

    def backward(self, dy):
        return dy * sigmoid(self.x)


class SiLU(Layer):
    """y = x * sigmoid(x), also called swish.

    Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning, 2017.
    """

    def predict(self, x):
        return x * sigmoid(x)

    def backward(self, dy):
        s = sigmoid(self.x)
        return dy * (s + self.x * s * (1 - s))


class GELU(Layer):
    """y = x times the chance that a standard normal number is below x, tanh form.

    y = x (1 + tanh(c (x + a x^3))) / 2 with c = sqrt(2/pi), a = 0.044715: within
    0.0005 of the exact form, which needs the error function.
    Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """

    c, a = math.sqrt(2 / math.pi), 0.044715

    def predict(self, x):
        near = np.clip(x, -8, 8)
        return x * (1 + np.tanh(self.c * (near + self.a * near**3))) / 2

    def backward(self, dy):
        x = np.clip(self.x, -8, 8)  # farther out t is -1 or 1, and x**2 could overflow
        t = np.tanh(self.c * (x + self.a * x**3))
        inner = self.c * (1 + 3 * self.a * x**2)
        return dy * (1 + t + x * (1 - t**2) * inner) / 2


class Softmax(Layer):
    """Scores to probabilities, row by row: p = exp(x) / sum of exp(x).

    x (n, k)    p (n, k), each row with sum 1

    Row by row the Jacobian is diag(p) - p p^T; `backward` is the vector-Jacobian
    product: it multiplies by the Jacobian without building it.
    """

    def predict(self, x):
        return softmax(x)

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))
