"""Measuring honestly what a network learned, and keeping it from memorising.

Exported from notebooks/07_generalization.ipynb.
"""

import math
import warnings

import numpy as np

from nbhelpers.border import border, takes
from nbhelpers.guard import kept_arrays, measured, same_network
from nbhelpers.layers import Layer


@border("rows of classes", fraction="(0, 1)", rng="generator")
def split(x, y, fraction: float, rng: np.random.Generator) -> tuple:
    """Two pairs (x, y), with `fraction` of every class held out in the second.

    x (n, ...)    y (n,) class indices    fraction in (0, 1)    returns the pairs with
    their rows in random order. Raises ValueError where a class would be left out.
    """
    held = np.zeros(len(y), dtype=bool)
    for k in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == k))
        n = round(fraction * len(rows))
        if n in (0, len(rows)):
            raise ValueError(f"split: class {k} has {len(rows)} rows, too few to split")
        held[rows[:n]] = True
    first, second = (rng.permutation(np.flatnonzero(m)) for m in (~held, held))
    return (x[first], y[first]), (x[second], y[second])


@takes("pairs of classes")
def accuracy(y, predicted) -> float:
    """The share of right answers, in [0, 1].  y, predicted (n,) class indices."""
    return float((y == predicted).mean())


@border("table of classes")
def confusion_matrix(y, predicted, n_classes: int | None = None):
    """How often class i was predicted as j: counts (k, k), rows are truth.

    y, predicted (n,) class indices    n_classes k, by default the largest index + 1
    Raises ValueError for unequal lengths and for indices from k up.
    """
    k = n_classes
    return np.bincount(k * y + predicted, minlength=k * k).reshape(k, k)


def ratio(owner: str, part, whole):
    """part / whole, entry by entry, 0 with a warning where whole is 0."""
    if (whole == 0).any():
        classes = np.flatnonzero(whole == 0).tolist()
        warnings.warn(f"{owner}: 0/0 for {classes} is taken as 0.0", stacklevel=3)
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1, whole))


@border(average=(None, "macro", "micro", "weighted"))
def counts(y, predicted, average):
    """Correct, predicted and actual rows of each class, or summed for "micro"."""
    matrix = confusion_matrix(y, predicted)
    present = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    each = np.stack([matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)])
    return each.sum(axis=1, keepdims=True) if average == "micro" else each[:, present]


def averaged(scores, actual, average):
    """The scores themselves (None), or one number: their mean, plain or weighted."""
    if average is None:
        return scores
    return float(np.average(scores, weights=actual if average == "weighted" else None))


def precision(y, predicted, average: str | None = None):
    """Of the rows predicted as a class, the share that is it; or an average of these.

    y, predicted (n,) class indices; classes that occur in neither are left out.
    average None, "macro" (mean of the classes), "micro" (all rows pooled) or "weighted"
    (by how often a class is true). 0.0 with a warning for a class never predicted.
    """
    correct, called, actual = counts(y, predicted, average)
    return averaged(ratio("precision", correct, called), actual, average)


def recall(y, predicted, average: str | None = None):
    """Of the rows that are a class, the share predicted as it.  See `precision`."""
    correct, _, actual = counts(y, predicted, average)
    return averaged(ratio("recall", correct, actual), actual, average)


def f1(y, predicted, average: str | None = None):
    """The harmonic mean of precision and recall.  See `precision`."""
    correct, called, actual = counts(y, predicted, average)
    return averaged(ratio("f1", 2 * correct, called + actual), actual, average)


def report(y, predicted, names) -> str:
    """A table as text: precision, recall, F1 and number of true rows for each class.

    names: a name for every class index from 0 up
    """
    names = [str(name) for name in names]
    matrix = confusion_matrix(y, predicted, len(names))
    correct, called, actual = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    width = max(12, *(len(name) for name in names))
    lines = [f"{'':{width}} precision  recall      F1    rows"]
    columns = [
        ratio("precision", correct, called),
        ratio("recall", correct, actual),
        ratio("f1", 2 * correct, called + actual),
    ]
    for name, p, r, f, n in zip(names, *columns, actual, strict=True):
        lines.append(f"{name:{width}} {p:9.2f} {r:7.2f} {f:7.2f} {n:7d}")
    p, r, f = (column.mean() for column in columns)
    lines.append(f"{'macro mean':{width}} {p:9.2f} {r:7.2f} {f:7.2f} {actual.sum():7d}")
    lines.append(f"{'accuracy':{width}} {'':25}{correct.sum() / actual.sum():.2f}")
    return "\n".join(lines)


class Dropout(Layer):
    """In training, each number is 0 with probability `rate`, else divided by 1 - rate.

    `predict` leaves x alone. x of any shape. Raises ValueError for a rate outside
    [0, 1). Srivastava et al., Dropout, 2014, in the form that scales in training.
    """

    settings = ("rate",)

    @border(rate="[0, 1)", rng="generator")
    def __init__(self, rate: float, rng: np.random.Generator):
        super().__init__()
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

    For `after_epoch`. Keeps a copy of the best parameters and state; `restore(network)`
    puts them back. watch: a name in the history; one that ends in "accuracy" is better
    higher, every other lower. NaN is never an improvement.
    """

    @border(patience="count")
    def __init__(self, patience: int = 5, watch: str = "validation_loss"):
        self.patience, self.watch = patience, watch
        self.best, self.best_epoch, self.kept = math.inf, 0, None

    @takes(measured)
    def __call__(self, network, history: dict) -> bool:
        value, epoch = history[self.watch][-1], len(history[self.watch])
        value = -value if self.watch.endswith("accuracy") else value
        if value < self.best:
            self.best, self.best_epoch = value, epoch
            self.kept = {name: w.copy() for name, w in kept_arrays(network).items()}
        return epoch - self.best_epoch >= self.patience

    @takes(same_network)
    def restore(self, network):
        """Put the best parameters and state seen back into the network."""
        for name, w in kept_arrays(network).items():
            w[...] = self.kept[name]
