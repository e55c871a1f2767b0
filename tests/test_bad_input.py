"""What bad input gets, as a table: a fault, and the words of the answer.

`fit`'s own table stands in test_training.py, those of the optimizers' settings in
test_optimizers.py, of data files in test_datasets.py, of saved networks in
test_checkpoint.py, of the metrics in test_reference.py.
"""

import math
import warnings

import numpy as np
import pytest

from nbhelpers.activations import ELU, LeakyReLU, ReLU
from nbhelpers.datasets import spirals
from nbhelpers.dynamic_network import Network, evaluate, fit, mlp
from nbhelpers.generalization import (
    Dropout,
    EarlyStopping,
    accuracy,
    confusion_matrix,
    split,
)
from nbhelpers.layers import Dense
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

RNG = np.random.default_rng(0)
NAN, INF = math.nan, math.inf
Z, Y = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 2])
P = np.full((4, 3), 1 / 3)
COLUMN = np.zeros((4, 1))
NET = mlp([6, 4, 3], RNG)
ONE_STEP = {"w": np.ones((3, 2))}
CLASSES = "class indices of shape (n,), got"

# a fault: what is done, and a part of the sentence that answers it
TABLE = [
    # ---- shapes
    ("features", lambda: NET.predict(COLUMN), "Dense(6, 4) expects x of shape (n, 6)"),
    ("features, what came", lambda: NET.predict(COLUMN), "got (4, 1)"),
    (
        "image not flattened",
        lambda: NET.predict(np.zeros((5, 2, 3))),
        "got (5, 2, 3); flatten each sample first: x.reshape(len(x), -1)",
    ),
    (
        "sample without its row axis",
        lambda: NET.predict(np.zeros(6)),
        "got (6,); one sample needs its row axis: x.reshape(1, -1)",
    ),
    ("a list into a layer", lambda: NET.predict([[1.0] * 6]), "np.asarray(x) makes"),
    (
        "layers that do not fit",
        lambda: Network(Dense(2, 3, RNG), Dense(4, 1, RNG)).predict(np.ones((1, 2))),
        "Dense(4, 1) expects x of shape (n, 4), got (1, 3)",
    ),
    (
        "nothing to evaluate",
        lambda: evaluate(NET, SoftmaxCrossEntropy(), np.zeros((0, 6)), Y[:0]),
        "evaluate needs one row or more and a y for each, got 0 rows of x",
    ),
    (
        "evaluate, unequal lengths",
        lambda: evaluate(NET, SoftmaxCrossEntropy(), np.zeros((4, 6)), Y[:3]),
        "got 4 rows of x and 3 of y",
    ),
    *[
        (
            f"{loss.__name__}, (n, 1) against (n,)",
            lambda loss=loss: loss().forward(COLUMN, np.zeros(4)),
            "(4, 1) and target (4,) must have the same shape; "
            "reshape the target to (4, 1)",
        )
        for loss in (
            MeanSquaredError,
            MeanAbsoluteError,
            Huber,
            BinaryCrossEntropy,
            SigmoidBinaryCrossEntropy,
        )
    ],
    ("an empty batch", lambda: MeanSquaredError().forward(COLUMN[:0], []), "empty"),
    (
        "a gradient of another shape",
        lambda: Adam().step(ONE_STEP, {"w": np.ones(2)}),
        "Adam: the gradient of 'w' has shape (2,), the parameter (3, 2)",
    ),
    # ---- labels
    *[
        (f"{loss.__name__}, {name}", lambda loss=loss, y=y: loss().forward(P, y), words)
        for loss in (SoftmaxCrossEntropy, CrossEntropy)
        for name, y, words in [
            ("one-hot", np.eye(3)[Y], f"{CLASSES} (4, 3); for one-hot rows use y.argm"),
            ("a column", Y[:, None], f"{CLASSES} (4, 1); use y.ravel()"),
            ("below 0", Y - 1, "labels must be from 0 to 2, got -1 at row 0"),
            ("from k up", Y + 1, "labels must be from 0 to 2, got 3 at row 1"),
            ("floats", Y * 1.0, "as whole numbers, got dtype float64; np.unique"),
            ("strings", Y.astype(str), "as whole numbers, got dtype <U"),
            ("too few", Y[:3], "4 rows of scores but 3 labels"),
            ("none", Y[:0], "there are no labels"),
        ]
    ],
    (
        "indices for targets",
        lambda: MeanSquaredError().forward(P, Y),
        "prediction (4, 3) and target (4,) must have the same shape",
    ),
    (
        "scores for probabilities",
        lambda: CrossEntropy().forward(Z * 10, Y),
        "probabilities must lie in [0, 1], got",
    ),
    (
        "targets beyond 1",
        lambda: SigmoidBinaryCrossEntropy().forward(COLUMN, COLUMN + 2),
        "targets must lie in [0, 1], got 2",
    ),
    ("words for numbers", lambda: MeanSquaredError().forward(Z, "abc"), "target must"),
    ("accuracy of scores", lambda: accuracy(Y, P), f"{CLASSES} (4, 3)"),
    (
        "a class too many",
        lambda: confusion_matrix(Y, Y, 2),
        "from 0 to 1, got 2 at row",
    ),
    ("no classes", lambda: confusion_matrix(Y, Y, 0), "n_classes must be a whole"),
    # ---- constructors
    ("Dense, no inputs", lambda: Dense(0, 3, RNG), "n_in must be a whole number of at"),
    ("Dense, half an output", lambda: Dense(2, 2.5, RNG), "least 1, got 2.5"),
    ("Dense, no generator", lambda: Dense(2, 3, 0), "such as default_rng(0), got 0"),
    (
        "Dense, whole numbers",
        lambda: Dense(2, 3, RNG, dtype=int),
        "dtype must be of floating point, such as np.float32, got <class 'int'>",
    ),
    (
        "Dense, init turned round",
        lambda: Dense(2, 3, RNG, init=lambda n_in, n_out, rng: np.zeros((3, 2))),
        "init must return weights of shape (2, 3), got (3, 2)",
    ),
    (
        "Dense, init of NaN",
        lambda: Dense(2, 3, RNG, init=lambda n_in, n_out, rng: np.full((2, 3), NAN)),
        "what init returned holds 6 values that are NaN or infinite, the first at (0,",
    ),
    ("LeakyReLU, above 1", lambda: LeakyReLU(2), "slope must be in [0, 1], got 2"),
    ("ELU, below 0", lambda: ELU(-1), "alpha must be at least 0, got -1"),
    ("Dropout, all", lambda: Dropout(1, RNG), "rate must be in [0, 1), got 1"),
    ("Dropout, below 0", lambda: Dropout(-0.1, RNG), "in [0, 1), got -0.1"),
    ("Dropout, no generator", lambda: Dropout(0.5, None), "must be a numpy Generator"),
    ("EarlyStopping", lambda: EarlyStopping(0), "patience must be a whole number of"),
    (
        "EarlyStopping, nothing to watch",
        lambda: EarlyStopping()(NET, {"loss": [1.0]}),
        "'validation_loss' is not measured, only ['loss']",
    ),
    ("Huber", lambda: Huber(0), "delta must be at least"),
    ("smoothing", lambda: SoftmaxCrossEntropy(1), "label_smoothing must be in [0, 1)"),
    ("mlp, one size", lambda: mlp([3], RNG), "needs an input and an output, got [3]"),
    ("mlp, a number", lambda: mlp(3, RNG), "needs an input and an output, got 3"),
    (
        "mlp, an activation made",
        lambda: mlp([2, 2, 2], RNG, ReLU()),
        "must be a class of layers, such as ReLU without brackets",
    ),
    ("Network of classes", lambda: Network(ReLU), "expected layers, got <class"),
    ("split, no generator", lambda: split(Z, Y, 0.5, 1), "split: rng must be a numpy"),
    ("spirals, none", lambda: spirals(0, RNG), "n must be a whole number of at least"),
    # ---- rates and their schedules
    *[
        (
            f"{kind.__name__}, lr {lr}",
            lambda kind=kind, lr=lr: kind(lr=lr),
            "lr must be",
        )
        for kind in (SGD, RMSprop, Adam, AdamW, NAdam)
        for lr in (-1, NAN, INF, "fast", None)
    ],
    *[
        (f"{make.__name__}, lr {lr}", lambda make=make, lr=lr: make(lr), "lr must be")
        for make in (constant, step_decay, exponential_decay, cosine, warmup_cosine)
        for lr in (-1, NAN, INF)
    ],
    ("step_decay", lambda: step_decay(1, factor=-1), "factor must be at least 0"),
    ("step_decay, drops", lambda: step_decay(1, drops=-1), "drops must be at least 0"),
    ("exponential_decay", lambda: exponential_decay(1, 0), "final must be at least"),
    ("cosine", lambda: cosine(1, final=NAN), "final must be a finite number, got nan"),
    ("warmup_cosine", lambda: warmup_cosine(1, 2), "warmup must be in [0, 1], got 2"),
    (
        "clipping what has no length",
        lambda: clip_gradients({"w": np.array([1, NAN])}, 1),
        "length of all gradients together must be a finite number, got nan",
    ),
]


@pytest.mark.parametrize("_, do, words", TABLE, ids=[row[0] for row in TABLE])
def test_answers_with_a_sentence(_, do, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        do()
    assert words in str(caught.value)


@pytest.mark.parametrize("letter", ["x", "y"])
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_fit_counts_what_is_not_finite(letter, bad):
    data = {"x": RNG.normal(size=(5, 3)), "y": RNG.normal(size=(5, 2))}
    data[letter][2, 1] = data[letter][4, 0] = bad
    net = Network(Dense(3, 2, RNG))
    with pytest.raises(ValueError) as caught:
        fit(net, MeanSquaredError(), SGD(0.1), (*data.values(),), epochs=1, rng=RNG)
    assert str(caught.value).startswith(
        f"fit: {letter} of train holds 2 values that are NaN or infinite, "
        "the first at (2, 1)"
    )


def test_numbers_whose_sum_is_too_large_are_still_finite():
    x = np.full((4, 2), 3e38, np.float32)
    net = Network(Dense(2, 1, np.random.default_rng(0), dtype=np.float32))
    with np.errstate(all="ignore"), pytest.raises(ArithmeticError, match="not finite"):
        fit(net, MeanSquaredError(), SGD(0.1), (x, x[:, :1]), epochs=1, rng=RNG)


# ---- what is no fault

FORMS = {
    "as it is": lambda a: a,
    "read-only": lambda a: a.view() if a.setflags(write=False) is None else a,
    "Fortran order": np.asfortranarray,
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "turned round": lambda a: a[::-1].copy()[::-1],
    "list": lambda a: a.tolist(),
}
LOSSES = {
    MeanSquaredError: (Z, Z[::-1] ** 2),
    MeanAbsoluteError: (Z, Z[::-1] ** 2),
    Huber: (Z, Z[::-1] ** 2),
    BinaryCrossEntropy: (P / 2, P),
    SigmoidBinaryCrossEntropy: (Z, P),
    CrossEntropy: (P, Y),
    SoftmaxCrossEntropy: (Z, Y),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_takes_any_form(loss, form):
    given = [a.copy() for a in LOSSES[loss]]
    plain, other = loss(), loss()
    wanted = plain.forward(*given)
    assert other.forward(*(FORMS[form](a) for a in given)) == pytest.approx(wanted)
    np.testing.assert_allclose(other.backward(), plain.backward())
    for array, before in zip(given, LOSSES[loss], strict=True):
        assert np.array_equal(array, before)


@pytest.mark.parametrize("form", FORMS)
def test_fit_takes_any_form(form):
    x, y = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 2
    kept = x.copy(), y.copy()
    found = []
    for change in (FORMS["as it is"], FORMS[form]):
        net = mlp([3, 4, 2], np.random.default_rng(2))
        data = change(x.copy()), change(y.copy())
        rng = np.random.default_rng(3)
        fit(net, SoftmaxCrossEntropy(), Adam(), data, epochs=2, rng=rng)
        found.append(net.params)
    for name, w in found[0].items():
        assert np.array_equal(w, found[1][name])
    assert np.array_equal(x, kept[0]) and np.array_equal(y, kept[1])


@pytest.mark.parametrize("kind", [int, np.int8, np.uint8, np.float16, np.float64, bool])
def test_fit_converts_what_comes(kind):
    x = (np.random.default_rng(1).random((20, 3)) > 0.5).astype(kind)
    y = np.arange(20) % 2
    net = mlp([3, 4, 2], np.random.default_rng(2), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(net, SoftmaxCrossEntropy(), SGD(0.1), (x, y), epochs=1, rng=RNG)
    assert all(w.dtype == np.float32 for w in net.params.values())


def test_whole_numbers_are_not_cut_off():
    """A prediction of integers must not round the targets to integers."""
    assert MeanSquaredError().forward(np.array([1, 2]), [1.5, 2.5]) == 0.25


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_surely_wrong_is_finite(size):
    scores = np.array([[size, -size], [-size, size]])
    wrong = np.array([1, 0]) if size > 0 else np.array([0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = SoftmaxCrossEntropy()
        assert loss.forward(scores, wrong) == pytest.approx(2e4)
        assert np.abs(loss.backward()).max() == 0.5
        loss = SigmoidBinaryCrossEntropy()
        assert loss.forward(scores, (scores < 0) * 1.0) == pytest.approx(1e4)
        assert np.isfinite(loss.backward()).all()
