"""Measuring honestly what a network learned, and keeping it from learning by heart.

Exported from notebooks/07_generalization.ipynb.
"""

import math
import warnings

import numpy as np

from nbhelpers.checks import (
    check_count,
    check_generator,
    check_indices,
    check_kept,
    check_number,
    check_rows,
    check_table,
    check_watched,
)
from nbhelpers.layers import Layer


def split(x, y, fraction, rng):
    """Two pairs (x, y), with `fraction` of every class held out in the second.

    x (n, ...)    y (n,) class indices    fraction in (0, 1)    returns the pairs with
    their rows in random order. Raises ValueError where a class would be left out.
    """
    x, y = np.asarray(x), np.asarray(y)
    check_indices("split", y)
    check_rows("split", x, y)
    check_number("split", "fraction", fraction, np.finfo(float).tiny, 1, open_high=True)
    check_generator("split", rng)
    held = np.zeros(len(y), dtype=bool)
    for k in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == k))
        n = round(fraction * len(rows))
        if n in (0, len(rows)):
            raise ValueError(f"split: class {k} has {len(rows)} rows, too few to split")
        held[rows[:n]] = True
    first, second = (rng.permutation(np.flatnonzero(m)) for m in (~held, held))
    return (x[first], y[first]), (x[second], y[second])


def check_pair(owner, y, predicted):
    """Both as arrays; ValueError unless they hold equally many class indices."""
    y, predicted = np.asarray(y), np.asarray(predicted)
    check_indices(f"{owner}, y", y)
    check_indices(f"{owner}, predicted", predicted)
    if len(y) != len(predicted):
        raise ValueError(f"{owner}: {len(y)} labels but {len(predicted)} predictions")
    return y.astype(np.int64), predicted.astype(np.int64)


def accuracy(y, predicted):
    """The share of right answers, in [0, 1].  y, predicted (n,) class indices."""
    y, predicted = check_pair("accuracy", y, predicted)
    return float((y == predicted).mean())


def confusion_matrix(y, predicted, n_classes=None):
    """How often truth i was called j: counts (k, k), rows are truth.

    y, predicted (n,) class indices    n_classes k, by default the largest index + 1
    Raises ValueError for unequal lengths and for indices from k up.
    """
    y, predicted = check_pair("confusion_matrix", y, predicted)
    k = int(max(y.max(), predicted.max())) + 1 if n_classes is None else n_classes
    check_table("confusion_matrix", k)
    check_indices("confusion_matrix, y", y, k)
    check_indices("confusion_matrix, predicted", predicted, k)
    return np.bincount(k * y + predicted, minlength=k * k).reshape(k, k)


def ratio(owner, part, whole):
    """part / whole, entry by entry, 0 with a warning where whole is 0."""
    if (whole == 0).any():
        classes = np.flatnonzero(whole == 0).tolist()
        warnings.warn(f"{owner}: 0/0 for {classes} is taken as 0.0", stacklevel=3)
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1, whole))


def counts(y, predicted, average):
    """Right answers, times called, times true: one a class, or summed for "micro"."""
    if average not in (None, "macro", "micro", "weighted"):
        raise ValueError(
            f"average must be None, 'macro', 'micro' or 'weighted', got {average!r}"
        )
    matrix = confusion_matrix(y, predicted)
    present = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    each = np.stack([matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)])
    return each.sum(axis=1, keepdims=True) if average == "micro" else each[:, present]


def averaged(scores, true, average):
    """The scores themselves (None), or one number: their mean, plain or weighted."""
    if average is None:
        return scores
    return float(np.average(scores, weights=true if average == "weighted" else None))


def precision(y, predicted, average=None):
    """Of those called a class, the share that is it: a number a class, or an average.

    y, predicted (n,) class indices; classes that occur in neither are left out.
    average None, "macro" (mean of the classes), "micro" (all rows pooled) or "weighted"
    (by how often a class is true). 0.0 with a warning for a class never predicted.
    """
    right, called, true = counts(y, predicted, average)
    return averaged(ratio("precision", right, called), true, average)


def recall(y, predicted, average=None):
    """Of those that are a class, the share that was called it.  See `precision`."""
    right, _, true = counts(y, predicted, average)
    return averaged(ratio("recall", right, true), true, average)


def f1(y, predicted, average=None):
    """The harmonic mean of precision and recall.  See `precision`."""
    right, called, true = counts(y, predicted, average)
    return averaged(ratio("f1", 2 * right, called + true), true, average)


def report(y, predicted, names):
    """A table as text: precision, recall, F1 and number of true rows for each class.

    names: a name for every class index from 0 up
    """
    names = [str(name) for name in names]
    matrix = confusion_matrix(y, predicted, len(names))
    right, called, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    width = max(12, *(len(name) for name in names))
    lines = [f"{'':{width}} precision  recall      F1    rows"]
    columns = [
        ratio("precision", right, called),
        ratio("recall", right, true),
        ratio("f1", 2 * right, called + true),
    ]
    for name, p, r, f, n in zip(names, *columns, true, strict=True):
        lines.append(f"{name:{width}} {p:9.2f} {r:7.2f} {f:7.2f} {n:7d}")
    p, r, f = (column.mean() for column in columns)
    lines.append(f"{'macro mean':{width}} {p:9.2f} {r:7.2f} {f:7.2f} {true.sum():7d}")
    lines.append(f"{'accuracy':{width}} {'':25}{right.sum() / true.sum():.2f}")
    return "\n".join(lines)


class Dropout(Layer):
    """In training, each number is 0 with chance `rate`, else divided by 1 - rate.

    `predict` leaves x alone. x of any shape. Raises ValueError for a rate outside
    [0, 1). Srivastava et al., Dropout, 2014, in the form that scales in training.
    """

    def __init__(self, rate, rng):
        super().__init__()
        check_number("Dropout", "rate", rate, 0, 1, open_high=True)
        check_generator("Dropout", rng)
        self.rate, self.rng = rate, rng

    def predict(self, x):
        return x

    def forward(self, x):
        kept = self.rng.random(x.shape, dtype=x.dtype) >= self.rate
        self.mask = kept * x.dtype.type(1 / (1 - self.rate))
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class EarlyStopping:
    """Ends `fit` when a number of the history has not improved for `patience` epochs.

    For `after_epoch`. Keeps a copy of the best parameters; `restore(network)` puts
    them back. watch: a name in the history; a name that ends in "accuracy" is better
    higher, every other lower. NaN is never an improvement.
    """

    def __init__(self, patience=5, watch="validation_loss"):
        check_count("EarlyStopping", "patience", patience)
        self.patience, self.watch = patience, watch
        self.best, self.best_epoch, self.params = math.inf, 0, None

    def __call__(self, network, history):
        check_watched("EarlyStopping", self.watch, history)
        value, epoch = history[self.watch][-1], len(history[self.watch])
        value = -value if self.watch.endswith("accuracy") else value
        if value < self.best:
            self.best, self.best_epoch = value, epoch
            self.params = {name: w.copy() for name, w in network.params.items()}
        return epoch - self.best_epoch >= self.patience

    def restore(self, network):
        """Put the best parameters seen back into the network."""
        check_kept("EarlyStopping", network.params, self.params)
        for name, w in network.params.items():
            w[...] = self.params[name]
