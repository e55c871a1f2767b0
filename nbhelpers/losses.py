"""Losses: one number for how wrong, and its gradient.

The 1/n of the mean over the batch stands here, in each `backward`, and nowhere else.
Exported from notebooks/04_losses.ipynb.
"""

import numpy as np

from nbhelpers.border import border, border_of_loss, described, either, not_there
from nbhelpers.single_pass import sigmoid

TINY = 1e-12  # probabilities are kept this far from 0, and from 1 where 1 - p counts


class Loss:
    """How wrong a prediction is: one number, and its gradient.

    `takes=` in the line of a class says which pairs it accepts; by default two arrays
    of one shape, or scores (n, k) and class indices (n,).
    """

    settings, takes = (), either
    __repr__, __getattr__ = described, not_there

    def __init_subclass__(cls, takes=None):
        border_of_loss(cls, takes)

    def forward(self, prediction, target) -> float:
        """The loss, remembering what `backward` needs."""
        raise NotImplementedError

    def backward(self):
        """The gradient with respect to the prediction, an array like it."""
        raise NotImplementedError


class MeanSquaredError(Loss, takes="same shape"):
    """The mean over every element of (prediction - target)^2.

    prediction, target: one shape, (n,) or (n, k); else ValueError.
    """

    def forward(self, prediction, target):
        self.difference = prediction - target
        return float((self.difference**2).mean())

    def backward(self):
        return 2 * self.difference / self.difference.size


class MeanAbsoluteError(Loss, takes="same shape"):
    """The mean over every element of |prediction - target|.  Slope 0 where they agree.

    prediction, target: one shape, (n,) or (n, k); else ValueError.
    """

    def forward(self, prediction, target):
        self.difference = prediction - target
        return float(np.abs(self.difference).mean())

    def backward(self):
        return np.sign(self.difference) / self.difference.size


class Huber(Loss, takes="same shape"):
    """d^2 / 2 for differences d up to delta, delta (|d| - delta / 2) beyond; the mean.

    prediction, target: one shape, (n,) or (n, k); else ValueError, as for a delta
    that is not positive. Huber, Robust estimation of a location parameter, 1964.
    """

    settings = ("delta",)

    @border(delta="(0, inf)")
    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def forward(self, prediction, target):
        self.difference = prediction - target
        size = np.abs(self.difference)
        near = np.minimum(size, self.delta)
        return float((near * (size - near / 2)).mean())

    def backward(self):
        return np.clip(self.difference, -self.delta, self.delta) / self.difference.size


class CrossEntropy(Loss, takes="probabilities and classes"):
    """The mean of -log p[y], the surprise at the right class.

    p (n, k) probabilities    y (n,) class indices    dp (n, k)

    A probability below 1e-12 counts as 1e-12, a constant: its gradient is 0.
    Raises ValueError for labels that are no class indices and p outside [0, 1].
    """

    def forward(self, p, y):
        self.p, self.y, self.rows = p, y, np.arange(len(y))
        return float(-np.log(np.maximum(p[self.rows, y], TINY)).mean())

    def backward(self):
        dp = np.zeros_like(self.p)
        right = self.p[self.rows, self.y]
        slope = -1 / np.maximum(right, TINY)
        dp[self.rows, self.y] = slope * (right >= TINY) / len(dp)
        return dp


class BinaryCrossEntropy(Loss, takes="two probabilities"):
    """The mean over every element of -t log p - (1 - t) log(1 - p).

    p (n,) or (n, k) probabilities of "yes"    t like p, in [0, 1]    dp like p

    p is kept in [1e-12, 1 - 1e-12] (float32: 1 - 6e-8); beyond, its gradient is 0.
    Raises ValueError for different shapes and for p or t outside [0, 1].
    """

    def forward(self, p, t):
        edge = max(TINY, np.finfo(p.dtype).epsneg)
        self.p, self.t = np.clip(p, TINY, 1 - edge), t
        self.inside = self.p == p
        return float(-(t * np.log(self.p) + (1 - t) * np.log1p(-self.p)).mean())

    def backward(self):
        slope = (self.p - self.t) / (self.p * (1 - self.p))
        return slope * self.inside / self.p.size


class SoftmaxCrossEntropy(Loss, takes="scores and classes"):
    """Cross-entropy of p = softmax(z), in one step from the scores: mean of -log p[y].

    z (n, k) scores    y (n,) class indices, else ValueError    dz (n, k)

    With label smoothing s, in [0, 1), the target is (1 - s) on the right class plus
    s / k on every class: Szegedy et al., Rethinking the Inception architecture, 2015.
    """

    settings = ("label_smoothing",)

    @border(label_smoothing="[0, 1)")
    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def forward(self, z, y):
        z = z - z.max(axis=1, keepdims=True)  # exp cannot overflow
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.log_p, self.y, self.rows = log_p, y, np.arange(len(y))
        loss, s = -log_p[self.rows, y].mean(), self.label_smoothing
        return float(loss if s == 0 else (1 - s) * loss - s * log_p.mean())

    def backward(self):
        dz, s = np.exp(self.log_p), self.label_smoothing
        dz -= s / dz.shape[1]
        dz[self.rows, self.y] -= 1 - s
        dz /= len(dz)
        return dz


class SigmoidBinaryCrossEntropy(Loss, takes="scores and probabilities"):
    """Binary cross-entropy of p = sigmoid(z), in one step from the scores.

    z (n,) or (n, k) scores    t like z, in [0, 1], else ValueError    dz like z

    Each element costs max(z, 0) - z t + log(1 + exp(-|z|)); the mean is over them all.
    """

    def forward(self, z, t):
        self.z, self.t = z, t
        return float((np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).mean())

    def backward(self):
        return (sigmoid(self.z) - self.t) / self.z.size
