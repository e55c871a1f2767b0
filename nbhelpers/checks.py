"""What bad input gets: one sentence that says what was expected, what came, what to do.

The supporting cast. The checks stand at the borders (constructors, `fit`, losses,
metrics) and look at shapes and types only; `check_finite` and `check_data` read whole
arrays and are called once per training run, never per batch.
"""

import math
import signal
import threading
import warnings
from contextlib import contextmanager

import numpy as np


def check_number(owner, name, value, low=-math.inf, high=math.inf, *, open_high=False):
    """ValueError unless value is a finite number in [low, high], or [low, high)."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{owner}: {name} must be a finite number, got {value!r}")
    if value < low or value > high or (open_high and value == high):
        bounds = f"at least {low:g}" if high == math.inf else f"in [{low:g}, {high:g}"
        bounds += "" if high == math.inf else ")" if open_high else "]"
        raise ValueError(f"{owner}: {name} must be {bounds}, got {value!r}")


def check_count(owner, name, value):
    """Raise ValueError unless value is a whole number of at least 1."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(
            f"{owner}: {name} must be a whole number of at least 1, got {value!r}"
        )


def check_generator(owner, rng):
    """Raise ValueError unless rng is a numpy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"{owner}: rng must be a numpy Generator, such as default_rng(0), "
            f"got {rng!r}"
        )


def warn_of_zeros(owner, params):
    """Warn where two or more matrices of weights are zero: their units stay twins."""
    matrices = [w for w in params.values() if w.ndim > 1]
    if len(matrices) > 1 and not any(w.any() for w in matrices):
        warnings.warn(
            f"{owner}: all weights are zero, so that no two units will ever differ; "
            "start them at random, with init=he for instance",
            stacklevel=4,
        )


def check_batch(owner, x, n_in):
    """Raise ValueError unless x has shape (n, n_in): a batch of rows for this layer."""
    if x.ndim == 2 and x.shape[1] == n_in:
        return
    hint = ""
    if x.ndim == 1 and x.size == n_in:
        hint = "; one sample needs its row axis: x.reshape(1, -1)"
    elif x.ndim > 2 and math.prod(x.shape[1:]) == n_in:
        hint = "; flatten each sample first: x.reshape(len(x), -1)"
    raise ValueError(f"{owner} expects x of shape (n, {n_in}), got {x.shape}{hint}")


def check_same_shape(owner, prediction, target):
    """ValueError unless both have one shape: broadcasting would hide a mistake."""
    if prediction.size == 0:
        raise ValueError(f"{owner}: the batch is empty, prediction {prediction.shape}")
    if prediction.shape == target.shape:
        return
    hint = ""
    if prediction.size == target.size:
        hint = f"; reshape the target to {prediction.shape}"
    raise ValueError(
        f"{owner}: prediction {prediction.shape} and target {target.shape} "
        f"must have the same shape{hint}"
    )


def check_labels(owner, scores, y):
    """ValueError unless y (n,) holds a class index for each row of scores (n, k)."""
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(f"{owner} expects scores of shape (n, k), got {scores.shape}")
    check_indices(owner, y, scores.shape[1])
    if len(y) != len(scores):
        raise ValueError(f"{owner}: {len(scores)} rows of scores but {len(y)} labels")


def check_indices(owner, y, classes=None):
    """Raise ValueError unless y (n,) holds whole numbers from 0 to classes - 1."""
    if y.ndim != 1:
        hint = ""
        if y.ndim == 2 and y.shape[1] > 1:
            hint = "; for one-hot rows use y.argmax(axis=1)"
        elif y.ndim == 2:
            hint = "; use y.ravel()"
        raise ValueError(
            f"{owner} expects class indices of shape (n,), got {y.shape}{hint}"
        )
    if y.dtype.kind not in "iu":
        raise ValueError(
            f"{owner} expects class indices as whole numbers, got dtype {y.dtype}; "
            "np.unique(y, return_inverse=True) numbers any labels"
        )
    if y.size == 0:
        raise ValueError(f"{owner}: there are no labels")
    bad = y < 0 if classes is None else (y < 0) | (y >= classes)
    if bad.any():
        at = int(bad.argmax())
        span = "at least 0" if classes is None else f"from 0 to {classes - 1}"
        raise ValueError(
            f"{owner}: labels must be {span}, got {int(y[at])} at row {at}"
        )


def check_finite(owner, name, array):
    """Raise ValueError if the array holds NaN or infinity: how many, and the first."""
    bad = ~np.isfinite(array)
    if bad.any():
        at = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        raise ValueError(
            f"{owner}: {name} holds {int(bad.sum())} values that are NaN or infinite, "
            f"the first at {at}; clean the data before training"
        )


def check_data(owner, name, data, dtype):
    """A pair x, y ready for training: x (n, ...) in dtype, y as it is or in dtype."""
    try:
        x, y = data
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: {name} must be a pair (x, y)") from None
    x, y = np.asarray(x), np.asarray(y)
    for letter, array in (("x", x), ("y", y)):
        if array.dtype.kind not in "fiub":
            raise ValueError(
                f"{owner}: {letter} of {name} must be numbers, got dtype {array.dtype}"
            )
    if len(x) == 0:
        raise ValueError(f"{owner}: {name} is empty, x has shape {x.shape}")
    if len(x) != len(y):
        raise ValueError(f"{owner}: {name} has {len(x)} rows of x but {len(y)} of y")
    if x.dtype == np.uint8 and x.max() > 1:
        warnings.warn(
            f"{owner}: x of {name} is uint8 with values up to {x.max()}; networks "
            "learn badly from such numbers, divide by 255 first",
            stacklevel=3,
        )
    x = np.ascontiguousarray(x, dtype)
    check_finite(owner, f"x of {name}", x)
    if y.dtype.kind == "f":
        y = y.astype(dtype)
        check_finite(owner, f"y of {name}", y)
    return x, y


def check_probabilities(owner, p, name="probabilities"):
    """Raise ValueError unless every entry of p lies in [0, 1]."""
    bad = ~((p >= 0) & (p <= 1))  # NaN is bad too
    if bad.any():
        raise ValueError(
            f"{owner}: {name} must lie in [0, 1], got {float(p[bad][0]):.6g}"
        )


@contextmanager
def whole_step():
    """Let Ctrl-C wait until the block has ended, so that no update stays half done."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
