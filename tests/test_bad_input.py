"""Bad input gets one sentence: what was expected, what came, what to do.

The table stands below as data: the fault, and the whole message ("..." for anything).
What needs no refusal is at the end: it works, and gives the same as clean input.

Elsewhere: data files and toy sets in test_datasets.py, saved networks in
test_checkpoint.py, settings of the optimizers in test_optimizers.py, metrics in
test_reference.py, how training ends in test_training.py.
"""

import math
import re
import warnings

import numpy as np
import pytest

from nbhelpers.activations import ELU, GELU, LeakyReLU, ReLU
from nbhelpers.dynamic_network import (
    Diverged,
    GradientDescent,
    Network,
    batches,
    evaluate,
    fit,
    mlp,
)
from nbhelpers.fashion_mnist import build
from nbhelpers.fashion_mnist import train as train_recipe
from nbhelpers.generalization import (
    Dropout,
    EarlyStopping,
    confusion_matrix,
    report,
    split,
)
from nbhelpers.layers import Dense, zeros
from nbhelpers.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)
from nbhelpers.optimizers import (
    SGD,
    Adam,
    AdamW,
    NAdam,
    RMSprop,
    clip_gradients,
    constant,
    cosine,
    exponential_decay,
    step_decay,
    warmup_cosine,
)

NAN, INF = math.nan, math.inf
X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.arange(30) % 3
HOT = np.eye(3)[Y]
P = np.full((30, 3), 1 / 3)
SCORES = X[:, :3]


def seed():
    return np.random.default_rng(0)


def network(dtype=np.float64):
    return mlp([4, 5, 3], seed(), dtype=dtype)


def train(x=X, y=Y, net=None, loss=None, optimizer=None, **options):
    """`fit` with what a test does not care about filled in: network and history."""
    settings = {"epochs": 1, "batch_size": 8, "rng": seed()} | options
    net, loss = net or network(), loss or SoftmaxCrossEntropy()
    optimizer = optimizer or GradientDescent(0.1)
    return net, fit(net, loss, optimizer, (x, y), **settings)


def regress(x, y, width=3):
    return train(x, y, net=mlp([4, width], seed()), loss=MeanSquaredError())


def with_value(array, at, value):
    array = array.copy()
    array[at] = value
    return array


def assert_says(error, sentence):
    """The message is this sentence, where "..." stands for anything."""
    pattern = ".*".join(re.escape(part) for part in sentence.split("..."))
    assert re.fullmatch(pattern, str(error), re.DOTALL), str(error)


# ---------------------------------------------------------------- shapes and types

GENERATOR = "rng must be a numpy Generator, such as default_rng(0), got"
MAKE_NUMBERS = "np.unique(y, return_inverse=True) numbers any labels"
ROW_AXIS = "one sample needs its row axis: x.reshape(1, -1)"
FLATTEN = "flatten each sample first: x.reshape(len(x), -1)"

SHAPES = {
    "wrong number of features": (
        lambda: train(X[:, :3]),
        "Dense(4, 5) expects x of shape (n, 4), got (8, 3)",
    ),
    "wrong number of features inside": (
        lambda: Network(Dense(4, 3, seed()), ReLU(), Dense(5, 2, seed())).predict(X),
        "Dense(5, 2) expects x of shape (n, 5), got (30, 3)",
    ),
    "wrong number of features in prediction": (
        lambda: network().predict(np.zeros((2, 7))),
        "Dense(4, 5) expects x of shape (n, 4), got (2, 7)",
    ),
    "images not flattened": (
        lambda: train(np.zeros((30, 28, 28)), net=mlp([784, 3], seed())),
        f"Dense(784, 3) expects x of shape (n, 784), got (8, 28, 28); {FLATTEN}",
    ),
    "images not flattened, recipe": (
        lambda: train_recipe((X.reshape(30, 2, 2), Y), seed()),
        f"train expects x of shape (n, 4), got (30, 2, 2); {FLATTEN}",
    ),
    "one sample without its row axis": (
        lambda: network().predict(X[0]),
        f"Dense(4, 5) expects x of shape (n, 4), got (4,); {ROW_AXIS}",
    ),
    "one sample without its row axis, fit": (
        lambda: train(X[0], Y[:1]),
        f"fit: train has 4 rows of x but 1 of y; {ROW_AXIS}",
    ),
    "one feature without its column axis": (
        lambda: train(X[:, 0], Y, net=mlp([1, 3], seed())),
        "Dense(1, 3) expects x of shape (n, 1), got (8,); one feature needs its column "
        "axis: x.reshape(-1, 1)",
    ),
    "a number for the data": (
        lambda: train(3, 1),
        "fit: x of train must have rows, got 3",
    ),
    "a list for a layer": (
        lambda: network().predict([[1, 2, 3, 4]]),
        "Dense(4, 5) expects an array, got list; np.asarray(x) makes one",
    ),
    "rows of two lengths": (
        lambda: train([[1, 2, 3, 4], [1, 2]], [0, 1]),
        "fit: x of train must have rows of one length, got lists of several",
    ),
    "x without y": (
        lambda: fit(network(), MeanSquaredError(), Adam(), X, epochs=1, rng=seed()),
        "fit: train must be a pair (x, y)",
    ),
    "three for a pair": (
        lambda: train(validation=(X, Y, Y)),
        "fit: validation must be a pair (x, y)",
    ),
    "different lengths": (
        lambda: train(X, Y[:5]),
        "fit: train has 30 rows of x but 5 of y",
    ),
    "different lengths, validation": (
        lambda: train(validation=(X, Y[:5])),
        "fit: validation has 30 rows of x but 5 of y",
    ),
    "different lengths, evaluate": (
        lambda: evaluate(network(), SoftmaxCrossEntropy(), X[:5], Y),
        "evaluate needs one row or more and a y for each, got 5 rows of x and 30 of y",
    ),
    "different lengths, batches": (
        lambda: next(batches(X[:5], Y, 2, seed())),
        "batches needs one row or more and a y for each, got 5 rows of x and 30 of y",
    ),
    "different lengths, split": (
        lambda: split(X, Y[:5], 0.5, seed()),
        "split needs one row or more and a y for each, got 30 rows of x and 5 of y",
    ),
    "different lengths, loss": (
        lambda: SoftmaxCrossEntropy().forward(SCORES, Y[:5]),
        "SoftmaxCrossEntropy: 30 rows of scores but 5 labels",
    ),
    "empty data": (
        lambda: train(X[:0], Y[:0]),
        "fit: train is empty, x has shape (0, 4)",
    ),
    "empty data, evaluate": (
        lambda: evaluate(network(), SoftmaxCrossEntropy(), X[:0], Y[:0]),
        "evaluate needs one row or more and a y for each, got 0 rows of x and 0 of y",
    ),
    "empty data, loss": (
        lambda: MeanSquaredError().forward(SCORES[:0], SCORES[:0]),
        "MeanSquaredError: the batch is empty, prediction (0, 3)",
    ),
    "empty data, loss of classes": (
        lambda: SoftmaxCrossEntropy().forward(SCORES[:0], Y[:0]),
        "SoftmaxCrossEntropy expects scores of shape (n, k), got (0, 3)",
    ),
    "other features in validation, recipe": (
        lambda: train_recipe((X, Y), seed(), validation=(X[:, :2], Y)),
        "train expects x of shape (n, 4), got (30, 2)",
    ),
    "text for x": (
        lambda: train(X.astype(str)),
        "fit: x of train must be numbers, got dtype <U...",
    ),
    "objects for x": (
        lambda: train(X.astype(object)),
        "fit: x of train must be numbers, got dtype object",
    ),
    "complex x": (
        lambda: train(X + 0j),
        "fit: x of train must be numbers, got dtype complex128",
    ),
    "text for a layer": (
        lambda: network().predict(X.astype(str)),
        "Dense(4, 5): x must be numbers, got dtype <U...",
    ),
    "a list for evaluate": (
        lambda: evaluate(network(), SoftmaxCrossEntropy(), X.tolist(), Y),
        "evaluate: x must be an array, got list; np.asarray(x) makes one",
    ),
}

# ------------------------------------------------------------- predictions and targets


def same_shape(loss, prediction, target):
    return (
        f"{loss}: prediction {prediction} and target {target} must have the same shape"
    )


EACH_ELEMENT = {
    "MeanSquaredError": MeanSquaredError,
    "MeanAbsoluteError": MeanAbsoluteError,
    "Huber": Huber,
    "BinaryCrossEntropy": BinaryCrossEntropy,
    "SigmoidBinaryCrossEntropy": SigmoidBinaryCrossEntropy,
}
TARGETS = {}
for name, loss in EACH_ELEMENT.items():
    TARGETS |= {
        f"scores (n, 1) against targets (n,), {name}": (
            lambda loss=loss: loss().forward(P[:, :1], P[:, 0]),
            same_shape(name, (30, 1), (30,)) + "; reshape the target to (30, 1)",
        ),
        f"scores (n,) against targets (n, 1), {name}": (
            lambda loss=loss: loss().forward(P[:, 0], P[:, :1]),
            same_shape(name, (30,), (30, 1)) + "; reshape the target to (30,)",
        ),
        f"indices for one-hot, {name}": (
            lambda loss=loss: loss().forward(P, Y),
            same_shape(name, (30, 3), (30,))
            + "; one-hot rows of class indices y are np.eye(3)[y]",
        ),
        f"other width, {name}": (
            lambda loss=loss: loss().forward(P, HOT[:, :2]),
            same_shape(name, (30, 3), (30, 2)),
        ),
        f"text for targets, {name}": (
            lambda loss=loss: loss().forward(P, HOT.astype(str)),
            f"{name}: target must be numbers, got dtype <U...",
        ),
    }
for name, loss in (
    ("CrossEntropy", CrossEntropy),
    ("SoftmaxCrossEntropy", SoftmaxCrossEntropy),
):
    TARGETS |= {
        f"one-hot for indices, {name}": (
            lambda loss=loss: loss().forward(P, HOT),
            f"{name} expects class indices of shape (n,), got (30, 3); for one-hot "
            "rows use y.argmax(axis=1)",
        ),
        f"a column of labels, {name}": (
            lambda loss=loss: loss().forward(P, Y[:, None]),
            f"{name} expects class indices of shape (n,), got (30, 1); use y.ravel()",
        ),
        f"label below 0, {name}": (
            lambda loss=loss: loss().forward(P, with_value(Y, 7, -1)),
            f"{name}: labels must be from 0 to 2, got -1 at row 7",
        ),
        f"label too large, {name}": (
            lambda loss=loss: loss().forward(P, with_value(Y, 7, 3)),
            f"{name}: labels must be from 0 to 2, got 3 at row 7",
        ),
        f"one column of scores, {name}": (
            lambda loss=loss: loss().forward(P[:, :1], Y),
            f"{name}: labels must be from 0 to 0, got 1 at row 1; one score a row "
            "knows one class only",
        ),
        f"float labels, {name}": (
            lambda loss=loss: loss().forward(P, Y * 1.0),
            f"{name} expects class indices as whole numbers, got dtype float64; "
            + MAKE_NUMBERS,
        ),
        f"text for labels, {name}": (
            lambda loss=loss: loss().forward(P, Y.astype(str)),
            f"{name} expects class indices as whole numbers, got dtype <U...; "
            + MAKE_NUMBERS,
        ),
        f"yes and no for labels, {name}": (
            lambda loss=loss: loss().forward(P, Y > 0),
            f"{name} expects class indices as whole numbers, got dtype bool; "
            + MAKE_NUMBERS,
        ),
        f"one row of scores, {name}": (
            lambda loss=loss: loss().forward(P[0], 1),
            f"{name} expects scores of shape (n, k), got (3,)",
        ),
    }
TARGETS |= {
    "probabilities outside [0, 1]": (
        lambda: CrossEntropy().forward(with_value(P, (2, 1), 1.2), Y),
        "CrossEntropy: probabilities must lie in [0, 1], got 1.2",
    ),
    "scores for probabilities": (
        lambda: BinaryCrossEntropy().forward(np.array([-0.5]), [1.0]),
        "BinaryCrossEntropy: probabilities must lie in [0, 1], got -0.5",
    ),
    "targets outside [0, 1]": (
        lambda: SigmoidBinaryCrossEntropy().forward(SCORES, HOT * 2),
        "SigmoidBinaryCrossEntropy: targets must lie in [0, 1], got 2",
    ),
    "NaN for a probability": (
        lambda: CrossEntropy().forward(with_value(P, (2, 1), NAN), Y),
        "CrossEntropy: probabilities must lie in [0, 1], got nan",
    ),
    "flat targets, fit": (
        lambda: regress(X, X[:, 0], width=1),
        same_shape("MeanSquaredError", (8, 1), (8,)) + "; reshape the target to (8, 1)",
    ),
    "label below 0, fit": (
        lambda: train(y=with_value(Y, 7, -1), batch_size=30, rng=seed()),
        "SoftmaxCrossEntropy: labels must be from 0 to 2, got -1 at row ...",
    ),
    "label too large, fit": (
        lambda: train(y=Y + 1),
        "SoftmaxCrossEntropy: labels must be from 0 to 2, got 3 at row ...",
    ),
    "one-hot for indices, fit": (
        lambda: train(y=HOT),
        "SoftmaxCrossEntropy expects class indices of shape (n,), got (8, 3); for "
        "one-hot rows use y.argmax(axis=1)",
    ),
    "text for labels, fit": (
        lambda: train(y=Y.astype(str)),
        "fit: y of train must be numbers, got dtype <U...",
    ),
    "float labels, recipe": (
        lambda: train_recipe((X, Y * 1.0), seed()),
        "train expects class indices as whole numbers, got dtype float32; "
        + MAKE_NUMBERS,
    ),
    "label below 0, recipe": (
        lambda: train_recipe((X, Y - 1), seed()),
        "train: labels must be at least 0, got -1 at row 0",
    ),
    "labels for a table of a million classes": (
        lambda: confusion_matrix([0, 1], [0, 10**6]),
        "confusion_matrix: labels must be below 10000, got 1000000; " + MAKE_NUMBERS,
    ),
    "fewer names than classes": (
        lambda: report([0, 1, 2], [0, 1, 2], ["cat", "dog"]),
        "confusion_matrix, y: labels must be from 0 to 1, got 2 at row 2",
    ),
}

# ------------------------------------------------------------------------- settings


def refusals(make, owner, name, wanted_for):
    """The rows of one setting, from pairs of a value and what is wanted instead."""
    return {
        f"{owner}, {name} {value!r}": (
            lambda value=value: make(value),
            f"{owner}: {name} must be {wanted}, got {value!r}",
        )
        for value, wanted in wanted_for
    }


def no_number(*values):
    return [(value, "a finite number") for value in (NAN, INF, *values)]


def at_least_0(make, owner, name):
    """Refusals of a number that must be finite and not negative."""
    rows = [(-1, "at least 0"), *no_number("0.1", None, True)]
    return refusals(make, owner, name, rows)


def positive(make, owner, name):
    """Refusals of a number that must be finite and above 0."""
    rows = [(0, "above 0"), (-1.5, "above 0"), *no_number([1])]
    return refusals(make, owner, name, rows)


def between(make, owner, name, low="[0", high="1)"):
    """Refusals of a number that must lie between 0 and 1."""
    outside = [-0.1, 1.5] + [0] * (low == "(0") + [1] * (high == "1)")
    rows = [(value, f"in {low}, {high}") for value in outside]
    return refusals(make, owner, name, rows + no_number("half"))


def counts(make, owner, name):
    """Refusals of a number that must be whole and at least 1."""
    return {
        f"{owner}, {name} {value!r}": (
            lambda value=value: make(value),
            f"{owner}: {name} must be a whole number of at least 1, got {value!r}",
        )
        for value in (0, -3, 2.5, NAN, "2", None, True)
    }


SETTINGS = {
    **counts(lambda n: Dense(n, 2, seed()), "Dense", "n_in"),
    **counts(lambda n: Dense(2, n, seed()), "Dense", "n_out"),
    **counts(lambda n: mlp([2, n, 2], seed()), "Dense", "n_out"),
    **counts(lambda n: train(epochs=n), "fit", "epochs"),
    **counts(lambda n: train(batch_size=n), "fit", "batch_size"),
    **counts(lambda n: next(batches(X, Y, n, seed())), "batches", "batch_size"),
    **counts(
        lambda n: evaluate(network(), SoftmaxCrossEntropy(), X, Y, n),
        "evaluate",
        "batch_size",
    ),
    **counts(EarlyStopping, "EarlyStopping", "patience"),
    **{
        name: refusal
        for name, refusal in counts(
            lambda n: confusion_matrix([0, 1], [0, 1], n),
            "confusion_matrix",
            "n_classes",
        ).items()
        if not name.endswith("None")  # asks for the default
    },
    **between(LeakyReLU, "LeakyReLU", "slope", high="1]"),
    **at_least_0(ELU, "ELU", "alpha"),
    **positive(Huber, "Huber", "delta"),
    **between(SoftmaxCrossEntropy, "SoftmaxCrossEntropy", "label_smoothing"),
    **between(lambda rate: Dropout(rate, seed()), "Dropout", "rate"),
    **between(lambda part: split(X, Y, part, seed()), "split", "fraction", low="(0"),
    **at_least_0(GradientDescent, "GradientDescent", "lr"),
    **positive(lambda m: clip_gradients({}, m), "clip_gradients", "max_norm"),
    **at_least_0(constant, "constant", "lr"),
    **at_least_0(step_decay, "step_decay", "lr"),
    **at_least_0(lambda f: step_decay(0.1, f), "step_decay", "factor"),
    **at_least_0(lambda n: step_decay(0.1, 0.1, n), "step_decay", "drops"),
    **at_least_0(exponential_decay, "exponential_decay", "lr"),
    **positive(lambda f: exponential_decay(0.1, f), "exponential_decay", "final"),
    **at_least_0(cosine, "cosine", "lr"),
    **at_least_0(lambda f: cosine(0.1, f), "cosine", "final"),
    **at_least_0(warmup_cosine, "cosine", "lr"),
    **between(lambda w: warmup_cosine(1, w), "warmup_cosine", "warmup", high="1]"),
    **at_least_0(
        lambda lr: train(schedule=lambda step, total: lr),
        "fit",
        "the rate given by the schedule",
    ),
    "Dense, rng": (lambda: Dense(2, 2, 0), f"Dense: {GENERATOR} 0"),
    "Dense, rng forgotten": (lambda: Dense(2, 2, None), f"Dense: {GENERATOR} None"),
    "mlp, rng": (lambda: mlp([2, 2], 0), f"Dense: {GENERATOR} 0"),
    "Dropout, rng": (lambda: Dropout(0.5, 0), f"Dropout: {GENERATOR} 0"),
    "batches, rng": (lambda: next(batches(X, Y, 2, 0)), f"batches: {GENERATOR} 0"),
    "split, rng": (lambda: split(X, Y, 0.5, 0), f"split: {GENERATOR} 0"),
    "fit, rng": (lambda: train(rng=0), f"fit: {GENERATOR} 0"),
    "Dense, dtype of whole numbers": (
        lambda: Dense(2, 2, seed(), dtype=int),
        "Dense: dtype must be of floating point, such as np.float32, got <class 'int'>",
    ),
    "Dense, dtype unknown": (
        lambda: Dense(2, 2, seed(), dtype="float99"),
        "Dense: dtype must be of floating point, such as np.float32, got 'float99'",
    ),
    "Dense, init of another shape": (
        lambda: Dense(2, 3, seed(), init=lambda n_in, n_out, rng: np.ones((3, 2))),
        "Dense: init must return weights of shape (2, 3), got (3, 2)",
    ),
    "Dense, init not finite": (
        lambda: Dense(2, 3, seed(), init=lambda n_in, n_out, rng: np.full((2, 3), INF)),
        "Dense: what init returned holds 6 values that are NaN or infinite, the first "
        "at (0, 0); ...",
    ),
    "mlp, one size": (
        lambda: mlp([3], seed()),
        "mlp: sizes needs an input and an output, got [3]",
    ),
    "mlp, a number for the sizes": (
        lambda: mlp(3, seed()),
        "mlp: sizes needs an input and an output, got 3",
    ),
    "build, one size": (
        lambda: build(seed(), (3,)),
        "build: sizes needs an input and an output, got (3,)",
    ),
    "split, a class too small": (
        lambda: split(X[:4], Y[:4], 0.5, seed()),
        "split: class 1 has 1 rows, too few to split",
    ),
    "a layer at two places": (
        lambda: (lambda relu: Network(Dense(2, 2, seed()), relu, relu))(ReLU()),
        "Network: a layer stands at two places; make one for each",
    ),
    "a network without parameters": (
        lambda: train(net=Network(ReLU())),
        "fit: the network has no parameters to train",
    ),
    "lr set to NaN afterwards": (
        lambda: train(optimizer=changed(Adam(), lr=NAN)),
        "fit: lr of the optimizer must be a finite number, got nan",
    ),
    "lr set below 0 afterwards": (
        lambda: train(optimizer=changed(Adam(), lr=-1)),
        "fit: lr of the optimizer must be at least 0, got -1",
    ),
    "watching what is not measured": (
        lambda: train(after_epoch=EarlyStopping(watch="validation_los")),
        "EarlyStopping: 'validation_los' is not measured, only ['accuracy', 'loss']",
    ),
    "restoring before training": (
        lambda: EarlyStopping().restore(network()),
        "EarlyStopping: there is nothing to restore, no epoch gave a finite number",
    ),
    "restoring into another network": (
        lambda: watched().restore(mlp([4, 3], seed())),
        "EarlyStopping: the parameters kept are another network's, {'0.W': (4, 5), "
        "...}, this one has {'0.W': (4, 3), '0.b': (3,)}",
    ),
    "gradients too long to measure": (
        lambda: clip_gradients({"w": np.array([INF, 1])}, 1),
        "clip_gradients: the length of all gradients together must be a finite "
        "number, got inf",
    ),
}
for make in (GradientDescent, SGD, RMSprop, Adam, AdamW, NAdam):
    name = make.__name__
    SETTINGS |= {
        f"{name}, a gradient of another shape": (  # it would be broadcast
            lambda make=make: make(lr=0.1).step({"b": np.ones(3)}, {"b": np.ones(1)}),
            f"{name}: the gradient of 'b' has shape (1,), the parameter (3,)",
        ),
        f"{name}, a parameter in whole numbers": (
            lambda make=make: make(lr=0.1).step(
                {"b": np.array([1])}, {"b": np.ones(1)}
            ),
            f"{name}: 'b' must be an array of floats, got array([1])",
        ),
    }


def changed(thing, **settings):
    for name, value in settings.items():
        setattr(thing, name, value)
    return thing


def watched():
    stop = EarlyStopping(watch="loss")
    train(after_epoch=stop)
    return stop


LAYERS = "ReLU() is one, ReLU is not; a list: Network(*layers)"
MAKER = "activation must be a class of layers, such as ReLU without brackets, got"
KINDS = {  # these are a TypeError
    "a class for a layer": (
        lambda: Network(Dense(2, 2, seed()), ReLU),
        f"Network: expected layers, got <class 'nbhelpers.activations.ReLU'>; {LAYERS}",
    ),
    "a list of layers": (
        lambda: Network([ReLU(), GELU()]),
        f"Network: expected layers, got [...]; {LAYERS}",
    ),
    "a layer for its class": (
        lambda: mlp([2, 3, 2], seed(), activation=ReLU()),
        f"mlp: {MAKER} <nbhelpers.activations.ReLU object at ...>",
    ),
    "a name for an activation": (
        lambda: mlp([2, 3, 2], seed(), activation="relu"),
        f"mlp: {MAKER} 'relu'",
    ),
    "a function of numbers for an activation": (
        lambda: mlp([2, 3, 2], seed(), activation=np.tanh),
        f"mlp: {MAKER} <ufunc 'tanh'>",
    ),
    "a class for the loss": (
        lambda: fit(network(), Huber, Adam(), (X, Y), epochs=1, rng=seed()),
        "fit: loss must be made first, Huber(...), got "
        "<class 'nbhelpers.losses.Huber'>",
    ),
    "a class for the optimizer": (
        lambda: fit(network(), Huber(), Adam, (X, Y), epochs=1, rng=seed()),
        "fit: optimizer must be made first, Adam(...), got "
        "<class 'nbhelpers.optimizers.Adam'>",
    ),
    "loss and optimizer exchanged": (
        lambda: fit(network(), Adam(), Huber(), (X, Y), epochs=1, rng=seed()),
        "fit: loss must have forward, backward, got <nbhelpers.optimizers.Adam ...>",
    ),
    "a list for the network": (
        lambda: fit([ReLU()], Huber(), Adam(), (X, Y), epochs=1, rng=seed()),
        "fit: network must have params, forward, set_grads, predict, got [...]",
    ),
    "a rate for the schedule": (
        lambda: train(schedule=0.1),
        "fit: schedule must be a function or None, got 0.1",
    ),
    "a number for after_epoch": (
        lambda: train(after_epoch=3),
        "fit: after_epoch must be a function or None, got 3",
    ),
}
for name in ("a list for a layer", "a list for evaluate"):
    KINDS[name] = SHAPES.pop(name)

# -------------------------------------------------------------------------- numbers

NUMBERS = {
    f"{value} in {where}": (refused, message.format(kind="NaN or infinite"))
    for value in (NAN, INF, -INF)
    for where, refused, message in (
        (
            "x",
            lambda value=value: train(with_value(X, ((7, 9), (1, 0)), value)),
            "fit: x of train holds 2 values that are {kind}, the first at (7, 1); "
            "clean the data before training",
        ),
        (
            "y",
            lambda value=value: regress(X, with_value(HOT, (4, 2), value)),
            "fit: y of train holds 1 values that are {kind}, the first at (4, 2); "
            "clean the data before training",
        ),
        (
            "the validation data",
            lambda value=value: train(validation=(with_value(X, (7, 1), value), Y)),
            "fit: x of validation holds 1 values that are {kind}, the first at "
            "(7, 1); clean the data before training",
        ),
        (
            "the recipe's data",
            lambda value=value: train_recipe((with_value(X, (7, 1), value), Y), seed()),
            "train: x of data holds 1 values that are {kind}, the first at (7, 1); "
            "clean the data before training",
        ),
    )
}
NUMBERS["too large for float32"] = (
    lambda: train(with_value(X, (7, 1), 1e300), net=network(np.float32)),
    "fit: x of train holds 1 values that are NaN or infinite, the first at (7, 1); ...",
)

REFUSED = SHAPES | TARGETS | SETTINGS | NUMBERS


@pytest.mark.parametrize("fault", REFUSED)
def test_refused(fault):
    call, sentence = REFUSED[fault]
    with warnings.catch_warnings(), pytest.raises(ValueError) as error:
        warnings.simplefilter("error")
        call()
    assert_says(error.value, sentence)


@pytest.mark.parametrize("fault", KINDS)
def test_refused_for_its_kind(fault):
    call, sentence = KINDS[fault]
    with pytest.raises(TypeError) as error:
        call()
    assert_says(error.value, sentence)


# ---------------------------------------------------- what works, what is warned of


def result(x, y, **options):
    """All that training left behind: the parameters and the history."""
    net, history = train(x, y, optimizer=Adam(), epochs=2, **options)
    return {name: w.tolist() for name, w in net.params.items()} | history


def frozen(array):
    array = array.copy()
    array.setflags(write=False)
    return array


def with_gaps(array):
    wide = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    wide[::2] = array
    return wide[::2]


MEMORY = {
    "lists": np.ndarray.tolist,
    "read-only": frozen,
    "Fortran's order": np.asfortranarray,
    "not contiguous": with_gaps,
    "backwards": lambda array: array[::-1].copy()[::-1],
    "the other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
}


@pytest.mark.parametrize("change", MEMORY.values(), ids=MEMORY)
def test_the_same_in_any_memory(change):
    wanted = result(X, Y, validation=(X, Y))
    assert result(change(X), change(Y), validation=(change(X), change(Y))) == wanted


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, bool])
def test_numbers_are_converted_at_the_border(dtype):
    """Whole numbers and float32 train as the same numbers in float64 do."""
    x = (X > 0).astype(dtype)
    assert result(x, Y.astype(np.uint8)) == result(x.astype(float), Y)
    hot = {"net": mlp([4, 3], seed()), "loss": SigmoidBinaryCrossEntropy()}
    again = hot | {"net": mlp([4, 3], seed())}
    assert result(x, HOT.astype(dtype), **hot) == result(x, HOT, **again)


def test_the_parameters_decide_the_dtype():
    net, _ = train(X, Y, net=network(np.float32))
    assert {w.dtype for w in net.params.values()} == {np.dtype(np.float32)}
    net, _ = train(X.astype(np.float32), Y)
    assert {w.dtype for w in net.params.values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.int64])
def test_the_callers_arrays_are_unchanged(kind):
    x, y = (np.abs(X) < 1).astype(kind), Y.copy()
    kept = x.copy(), y.copy()
    train(x, y, validation=(x, y), optimizer=AdamW(), net=network(np.float32))
    evaluate(network(), SoftmaxCrossEntropy(), x, y)
    split(x, y, 0.5, seed())
    train_recipe((x, y), seed(), epochs=1, validation=(x, y))
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


BYTES = "is uint8 with values up to 255; networks learn badly from such numbers, divide"


def test_raw_bytes_are_warned_of():
    raw = (X > 0).astype(np.uint8) * np.uint8(255)
    with pytest.warns(UserWarning, match=f"^fit: x of train {BYTES} by 255 first$"):
        train(raw, Y)
    with pytest.warns(
        UserWarning, match=f"^fit: x of validation {BYTES} by 255 first$"
    ):
        train(X, Y, validation=(raw, Y))
    with pytest.warns(UserWarning, match=f"^train: x of data {BYTES} by 255 first$"):
        train_recipe((raw, Y), seed(), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result(raw // 255, Y) == result((raw // 255).astype(float), Y)


def test_a_start_of_zeros_is_warned_of():
    words = (
        "fit: all weights are zero, so that no two units will ever differ; start them "
        "at random, with init=he for instance"
    )
    with pytest.warns(UserWarning) as caught:
        train(net=mlp([4, 5, 3], seed(), init=zeros))
    assert [str(warning.message) for warning in caught] == [words]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net=mlp([4, 3], seed(), init=zeros))  # one layer learns from zeros


LARGE = np.array([[-1e4, 0.0, 1e4], [1e4, 0.0, -1e4]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "loss, prediction, target, wanted, slope",
    [
        (SoftmaxCrossEntropy(), LARGE, [0, 0], 1e4, [[-0.5, 0, 0.5], [0, 0, 0]]),
        (SoftmaxCrossEntropy(0.3), LARGE, [2, 0], 3000, None),
        (
            SigmoidBinaryCrossEntropy(),
            LARGE,
            LARGE < 0,
            2 * (2e4 + math.log(2)) / 6,
            None,
        ),
        (CrossEntropy(), [[0.0, 1.0]], [0], -math.log(1e-12), [[0, 0]]),
        (BinaryCrossEntropy(), [0.0], [1.0], -math.log(1e-12), [0]),
    ],
)
def test_certain_and_wrong_is_finite(loss, prediction, target, wanted, slope, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = loss.forward(np.array(prediction, dtype), target)
        gradient = loss.backward()
    assert value == pytest.approx(wanted, rel=1e-6)
    assert np.isfinite(gradient).all()
    if slope is not None:
        np.testing.assert_allclose(gradient, slope, atol=1e-7)


def test_training_goes_on_from_certain_and_wrong():
    net = network()
    net.params["2.W"][...] *= 1e5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, history = train(net=net, epochs=3)
    assert history["loss"][0] > 1e4 and np.isfinite(history["loss"]).all()


def test_divergence_says_where_and_leaves_what_is_finite():
    """It names epoch, batch and rate, and carries the history up to then."""
    net = mlp([4, 1], seed(), dtype=np.float32)
    start = {name: w.copy() for name, w in net.params.items()}
    seen = []
    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        fit(
            net,
            MeanSquaredError(),
            GradientDescent(5.0),
            (X, X[:, :1]),
            epochs=500,
            batch_size=8,
            rng=seed(),
            after_epoch=lambda net, history: seen.append(history["loss"][-1]),
        )
    epoch = len(seen) + 1
    sentence = (
        f"the loss is not finite any more (epoch {epoch}, batch ..., rate 5: ...); "
        "lower the rate, scale the inputs or clip the gradients"
    )
    assert_says(error.value, sentence)
    assert error.value.history == {"loss": seen} and epoch > 1
    for name, w in net.params.items():
        assert np.isfinite(w).all() and (w != start[name]).any()


def test_a_step_to_infinity_is_undone():
    net = network(np.float32)
    start = {name: w.copy() for name, w in net.params.items()}
    with np.errstate(all="ignore"), pytest.raises(Diverged, match="epoch 1, batch 2"):
        train(net=net, optimizer=GradientDescent(1e39))
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, start[name])


def test_labels_in_bytes_do_not_wrap_around():
    y = np.array([0, 20, 20], np.uint8)
    matrix = confusion_matrix(y, y)
    assert matrix[20, 20] == 2 and matrix[0, 0] == 1


def test_numbers_whose_sum_is_too_large_are_still_finite():
    """The search for NaN looks at the sum first, which here is infinite."""
    x = np.full((4, 2), 3e38, np.float32)
    net = Network(Dense(2, 1, np.random.default_rng(0), dtype=np.float32))
    with np.errstate(all="ignore"), pytest.raises(Diverged):
        fit(
            net,
            MeanSquaredError(),
            SGD(0.1),
            (x, x[:, :1]),
            epochs=1,
            rng=np.random.default_rng(0),
        )
