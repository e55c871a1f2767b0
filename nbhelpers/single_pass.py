"""One forward and one backward pass: the functions, and the check of a gradient.

Rows are samples. Exported from notebooks/01_single_pass.ipynb.
"""

import numpy as np


def relu(z):
    """The positive part of each number: max(z, 0).  z of any shape."""
    return np.maximum(z, 0)


def dense(x, W, b):
    """Weighted sums of the inputs: z = x W + b.

    x (n, n_in)    W (n_in, n_out)    b (n_out,)    z (n, n_out)
    """
    return x @ W + b


def numerical_gradient(f, x, h=1e-6):
    """The slope of f along each entry of x, by central differences.

    f takes an array like x and returns one number; x (any shape, float64) is not
    changed. Returns an array like x. Costs two calls of f per entry.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f(x.copy())
        x[i] = kept - h
        below = f(x.copy())
        x[i] = kept
        gradient[i] = (above - below) / (2 * h)
    return gradient


def check_gradient(f, x, gradient, tolerance=1e-6):
    """Compare a gradient of f at x with finite differences; return the largest error.

    The error of an entry is relative to its size, or to a tenth of the largest entry
    where that is more: the rounding error of the differences does not shrink with
    the entry. Raises AssertionError with the largest error and its index when it is
    above the tolerance (or NaN), for an all-zero gradient, which proves nothing, and
    for a shape or dtype (float64 is needed) that cannot be compared.
    """
    x, gradient = np.asarray(x), np.asarray(gradient)
    for name, array in (("x", x), ("gradient", gradient)):
        assert array.dtype == np.float64, f"{name} must be float64, got {array.dtype}"
    assert gradient.shape == x.shape, f"gradient {gradient.shape} but x {x.shape}"
    assert gradient.any(), "the gradient is zero everywhere, which proves nothing"
    numeric = numerical_gradient(f, x)
    size = np.maximum(np.abs(gradient), np.abs(numeric))
    error = np.abs(gradient - numeric) / np.maximum(size, size.max() / 10)
    at = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    assert error[at] <= tolerance, (
        f"largest relative error {error[at]:.1e} at index {at}: "
        f"gradient {gradient[at]:.6g}, finite differences {numeric[at]:.6g}"
    )
    return float(error[at])


def softmax(z):
    """Scores turned into probabilities: exp(z) over its sum along the last axis.

    z (n, k) scores, floats    returns (n, k), each row positive with sum 1

    The largest score of each row is subtracted first, so exp cannot overflow.
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z):
    """Each number squeezed into (0, 1): 1 / (1 + exp(-z)).  z of any shape, floats.

    The exponential only ever sees -|z|, so it cannot overflow.
    """
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def cross_entropy(p, y):
    """Mean surprise at the right answers: the mean of -log p[i, y[i]].

    p (n, k) probabilities    y (n,) class indices
    """
    return float(-np.log(p[np.arange(len(y)), y]).mean())
