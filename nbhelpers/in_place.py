"""Formulas of `optimizers` computed in fewer passes over memory.

An array of weights is larger than the fast caches, so that what costs time is not the
arithmetic but how often the array is read and written. The supporting cast.
"""

import math
from collections.abc import Callable

import numpy as np


def computed_by(quick: Callable):
    """A decorator: the formula is computed by `quick`, which equals it to rounding.

    The formula itself stays as `__wrapped__`, and the tests compare the two.
    """

    def decorate(formula):
        quick.__wrapped__ = formula
        return quick

    return decorate


def adam(self, w, g, m, v):
    """`Adam.move` in fewer passes: the corrections scale numbers, not arrays."""
    c1, c2 = 1 - self.beta1**self.t, 1 - self.beta2**self.t
    scratch = np.empty_like(w)
    np.multiply(g, 1 - self.beta1, scratch)
    m *= self.beta1
    m += scratch
    np.multiply(g, g, scratch)
    scratch *= 1 - self.beta2
    v *= self.beta2
    v += scratch
    np.sqrt(v, scratch)
    scratch += self.eps * math.sqrt(c2)
    np.divide(m, scratch, scratch)
    scratch *= self.lr * math.sqrt(c2) / c1
    w -= scratch
