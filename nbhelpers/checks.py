"""What bad input gets: one sentence that says what was expected, what came, what to do.

The supporting cast. The checks stand at the borders (constructors, `fit`, losses,
metrics) and look at shapes and types only; `check_finite` and `check_data` read whole
arrays and are called once per training run, never per batch.
"""

import inspect
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
        positive = low == np.finfo(float).tiny
        bounds = "above 0" if positive else f"at least {low:g}"
        if high < math.inf:
            bounds = f"in {'(0' if positive else f'[{low:g}'}, {high:g}"
            bounds += ")" if open_high else "]"
        raise ValueError(f"{owner}: {name} must be {bounds}, got {value!r}")


def check_count(owner, name, value):
    """Raise ValueError unless value is a whole number of at least 1."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(
            f"{owner}: {name} must be a whole number of at least 1, got {value!r}"
        )


def check_sizes(owner, n_in, n_out, rng, dtype):
    """ValueError unless weights can be made: sizes, a generator, a float dtype."""
    check_count(owner, "n_in", n_in)
    check_count(owner, "n_out", n_out)
    check_generator(owner, rng)
    try:
        floating = np.dtype(dtype).kind == "f"
    except TypeError:
        floating = False
    if not floating:
        raise ValueError(
            f"{owner}: dtype must be of floating point, such as np.float32, "
            f"got {dtype!r}"
        )


def check_weights(owner, W, n_in, n_out):
    """ValueError unless `init` made finite weights of shape (n_in, n_out)."""
    if W.shape != (n_in, n_out):
        raise ValueError(
            f"{owner}: init must return weights of shape {(n_in, n_out)}, got {W.shape}"
        )
    check_finite(owner, "what init returned", W)


def check_mlp(sizes, activation, owner="mlp"):
    """Raise unless there are two sizes or more and something that makes activations."""
    if not hasattr(sizes, "__len__") or len(sizes) < 2:
        raise ValueError(f"{owner}: sizes needs an input and an output, got {sizes}")
    try:
        inspect.signature(activation).bind()  # can it be called without arguments?
    except (TypeError, ValueError):
        raise TypeError(
            f"{owner}: activation must be a class of layers, such as ReLU without "
            f"brackets, got {activation!r}"
        ) from None


def check_parts(network, loss, optimizer, schedule, after_epoch):
    """TypeError unless `fit` was given objects that can play these five parts."""
    parts = {
        "network": (network, ("params", "forward", "set_grads", "predict")),
        "loss": (loss, ("forward", "backward")),
        "optimizer": (optimizer, ("lr", "step")),
    }
    for name, (part, needed) in parts.items():
        if isinstance(part, type):
            made = part.__name__
            raise TypeError(f"fit: {name} must be made first, {made}(...), got {part}")
        lacking = [word for word in needed if not hasattr(part, word)]
        if lacking:
            raise TypeError(f"fit: {name} must have {', '.join(needed)}, got {part!r}")
    for name, part in (("schedule", schedule), ("after_epoch", after_epoch)):
        if part is not None and not callable(part):
            raise TypeError(f"fit: {name} must be a function or None, got {part!r}")
    check_number("fit", "lr of the optimizer", optimizer.lr, 0)


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
    if not isinstance(x, np.ndarray):
        raise TypeError(
            f"{owner} expects an array, got {type(x).__name__}; np.asarray(x) makes one"
        )
    if x.dtype.kind not in "fiub":
        raise ValueError(f"{owner}: x must be numbers, got dtype {x.dtype}")
    if x.ndim == 2 and x.shape[1] == n_in:
        return
    hint = ""
    if x.ndim == 1 and n_in == 1 != x.size:
        hint = "; one feature needs its column axis: x.reshape(-1, 1)"
    elif x.ndim == 1 and x.size == n_in:
        hint = "; one sample needs its row axis: x.reshape(1, -1)"
    elif x.ndim > 2 and math.prod(x.shape[1:]) == n_in:
        hint = "; flatten each sample first: x.reshape(len(x), -1)"
    raise ValueError(f"{owner} expects x of shape (n, {n_in}), got {x.shape}{hint}")


def check_same_shape(owner, prediction, target):
    """Both as arrays of the prediction's float dtype; ValueError unless of one shape.

    Broadcasting would hide the mistake.
    """
    prediction = np.asarray(prediction)
    if prediction.dtype.kind != "f":
        prediction = as_numbers(owner, "prediction", prediction)
    if not (isinstance(target, np.ndarray) and target.dtype.kind == "f"):
        target = as_numbers(owner, "target", target)
    target = target.astype(prediction.dtype, copy=False)
    if prediction.size == 0:
        raise ValueError(f"{owner}: the batch is empty, prediction {prediction.shape}")
    if prediction.shape == target.shape:
        return prediction, target
    hint = ""
    if prediction.size == target.size:
        hint = f"; reshape the target to {prediction.shape}"
    elif prediction.ndim == 2 and target.shape == prediction.shape[:1]:
        k = prediction.shape[1]
        hint = f"; one-hot rows of class indices y are np.eye({k})[y]"
    raise ValueError(
        f"{owner}: prediction {prediction.shape} and target {target.shape} "
        f"must have the same shape{hint}"
    )


def as_numbers(owner, name, values):
    """The values as an array of float64; ValueError where they are no numbers."""
    values = as_array(owner, name, values)
    if values.dtype.kind not in "fiub":
        raise ValueError(f"{owner}: {name} must be numbers, got dtype {values.dtype}")
    return values.astype(np.float64)


def as_array(owner, name, values):
    """The values as an array; ValueError where lists of different lengths make none."""
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{owner}: {name} must have rows of one length, got lists of several"
        ) from None


def check_labels(owner, scores, y):
    """Both as arrays; ValueError unless y (n,) holds a class for each row of scores."""
    scores, y = np.asarray(scores), np.asarray(y)
    if scores.dtype.kind != "f":
        scores = as_numbers(owner, "scores", scores)
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(f"{owner} expects scores of shape (n, k), got {scores.shape}")
    hint = "; one score a row knows one class only" if scores.shape[1] == 1 else ""
    check_indices(owner, y, scores.shape[1], hint)
    if len(y) != len(scores):
        raise ValueError(f"{owner}: {len(scores)} rows of scores but {len(y)} labels")
    return scores, y


def check_indices(owner, y, classes=None, advice=""):
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
            f"{owner}: labels must be {span}, got {int(y[at])} at row {at}{advice}"
        )


def check_table(owner, classes):
    """ValueError unless a table of classes x classes counts has a size to print."""
    check_count(owner, "n_classes", classes)
    if classes > 10_000:
        raise ValueError(
            f"{owner}: labels must be below 10000, got {classes - 1}; "
            "np.unique(y, return_inverse=True) numbers any labels"
        )


def check_rows(owner, x, y):
    """ValueError unless x and y have equally many rows, and at least one."""
    for name, array in (("x", x), ("y", y)):
        if not isinstance(array, np.ndarray):
            raise TypeError(
                f"{owner}: {name} must be an array, got {type(array).__name__}; "
                f"np.asarray({name}) makes one"
            )
    if len(x) == 0 or len(x) != len(y):
        raise ValueError(
            f"{owner} needs one row or more and a y for each, got {len(x)} rows of x "
            f"and {len(y)} of y"
        )


def check_grads(owner, params, grads):
    """ValueError unless each parameter's gradient has its shape; KeyError for none."""
    for name, w in params.items():
        if not isinstance(w, np.ndarray) or w.dtype.kind != "f":
            raise ValueError(f"{owner}: {name!r} must be an array of floats, got {w!r}")
        shape = np.shape(grads[name])
        if shape != w.shape:
            raise ValueError(
                f"{owner}: the gradient of {name!r} has shape {shape}, "
                f"the parameter {w.shape}"
            )


def check_watched(owner, name, history):
    """Raise ValueError unless the history measures what has this name."""
    if name not in history:
        raise ValueError(f"{owner}: {name!r} is not measured, only {sorted(history)}")


def check_kept(owner, params, kept):
    """ValueError unless arrays were kept, of the names and shapes of these params."""
    if kept is None:
        raise ValueError(
            f"{owner}: there is nothing to restore, no epoch gave a finite number"
        )
    shapes, others = ({n: w.shape for n, w in p.items()} for p in (params, kept))
    if shapes != others:
        raise ValueError(
            f"{owner}: the parameters kept are another network's, {others}, "
            f"this one has {shapes}"
        )


def check_finite(owner, name, array):
    """Raise ValueError if the array holds NaN or infinity: how many, and the first."""
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()):  # a single NaN or infinity would show in it
            return
    bad = ~np.isfinite(array)
    if bad.any():  # else only the sum was too large
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
    x, y = (as_array(owner, f"{k} of {name}", v) for k, v in (("x", x), ("y", y)))
    for letter, array in (("x", x), ("y", y)):
        if array.ndim == 0:
            raise ValueError(f"{owner}: {letter} of {name} must have rows, got {array}")
        if array.dtype.kind not in "fiub":
            raise ValueError(
                f"{owner}: {letter} of {name} must be numbers, got dtype {array.dtype}"
            )
    if len(x) == 0:
        raise ValueError(f"{owner}: {name} is empty, x has shape {x.shape}")
    if len(x) != len(y):
        hint = ""
        if x.ndim == 1 and len(y) == 1:
            hint = "; one sample needs its row axis: x.reshape(1, -1)"
        rows = f"{len(x)} rows of x but {len(y)} of y"
        raise ValueError(f"{owner}: {name} has {rows}{hint}")
    if x.dtype == np.uint8 and x.max() > 1:
        warnings.warn(
            f"{owner}: x of {name} is uint8 with values up to {x.max()}; networks "
            "learn badly from such numbers, divide by 255 first",
            stacklevel=3,
        )
    with np.errstate(over="ignore"):  # too large for float32: then infinite, refused
        x = np.ascontiguousarray(x, dtype)
        y = y.astype(dtype) if y.dtype.kind == "f" else y
    check_finite(owner, f"x of {name}", x)
    if y.dtype.kind == "f":
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
def whole_steps():
    """Ctrl-C waits: it puts a word into the list given, and is raised at the end.

    So a loop can end between two steps, and no update stays half done.
    """
    pressed = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed  # Python delivers signals to the main thread only
        return
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append("Ctrl-C"))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
