"""Optimizers: what to do with a gradient; and the rates of the steps.

Every optimizer has `lr` and `step(params, grads)`, which updates each array of the dict
`params` in place from the gradient of the same name. Exported from
notebooks/06_optimizers.ipynb.
"""

import math

import numpy as np

from nbhelpers.checks import check_number


class SGD:
    """Steps along the gradient, or along its running sum with momentum.

    The velocity is u = momentum * u + g and the step -lr * u; with Nesterov's form
    the step is -lr * (g + momentum * u). Sutskever, Martens, Dahl and Hinton, On the
    importance of initialization and momentum in deep learning, 2013, in the
    arrangement that keeps lr out of u, so that a changed rate acts at once.
    Raises ValueError for lr below 0, momentum outside [0, 1), nesterov without it.
    """

    def __init__(self, lr, momentum=0.0, nesterov=False):
        check_number("SGD", "lr", lr, 0)
        check_number("SGD", "momentum", momentum, 0, 1, open_high=True)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.u = {}

    def step(self, params, grads):
        for name, w in params.items():
            g = grads[name]
            if self.momentum:
                u = self.u.setdefault(name, np.zeros_like(w))
                u *= self.momentum
                u += g
                g = g + self.momentum * u if self.nesterov else u
            w -= self.lr * g


class RMSprop:
    """Steps divided by the running root mean square of the gradient.

    s = decay * s + (1 - decay) * g^2 and the step -lr * g / (sqrt(s) + eps).
    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    Raises ValueError for lr or eps below 0 and decay outside [0, 1).
    """

    def __init__(self, lr=1e-3, decay=0.99, eps=1e-8):
        check_number("RMSprop", "lr", lr, 0)
        check_number("RMSprop", "decay", decay, 0, 1, open_high=True)
        check_number("RMSprop", "eps", eps, 0)
        self.lr, self.decay, self.eps = lr, decay, eps
        self.s = {}

    def step(self, params, grads):
        for name, w in params.items():
            g = grads[name]
            s = self.s.setdefault(name, np.zeros_like(w))
            s += (1 - self.decay) * (g * g - s)
            w -= self.lr * g / (np.sqrt(s) + self.eps)
