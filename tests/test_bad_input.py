"""Bad input gets one sentence: what was expected, what came, what to do.

Below stand calls and, indented, how they end: a dozen sentences whole, of the others
the words in their order, with "..." for what stands between. What needs no refusal is
at the end: it works, and gives the same as clean input.

Elsewhere: data files and toy sets in test_datasets.py, saved networks in
test_checkpoint.py, arrays of any shape and kind in test_fuzz.py, what an optimizer is
given to step with in test_optimizers.py, how training ends in test_training.py.
"""

import linecache
import math
import re
import warnings

import numpy as np
import pytest

from nbhelpers import (
    activations,
    fashion_mnist,
    generalization,
    layers,
    losses,
    optimizers,
)
from nbhelpers.checkpoint import classes_below
from nbhelpers.dynamic_network import (
    Diverged,
    GradientDescent,
    Network,
    Optimizer,
    batches,
    evaluate,
    fit,
    mlp,
)
from nbhelpers.generalization import (
    Dropout,
    EarlyStopping,
    confusion_matrix,
    split,
)
from nbhelpers.layers import Dense, Layer, zeros
from nbhelpers.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanSquaredError,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)
from nbhelpers.optimizers import SGD, Adam, AdamW, clip_gradients
from toys import make

NAN, INF = math.nan, math.inf
X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.arange(30) % 3
HOT = np.eye(3)[Y]
P = np.full((30, 3), 1 / 3)
train_recipe = fashion_mnist.train


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


def with_value(array, at, value):
    array = array.copy()
    array[at] = value
    return array


def changed(thing, **settings):
    for name, value in settings.items():
        setattr(thing, name, value)
    return thing


def watched():
    stop = EarlyStopping(watch="loss")
    train(after_epoch=stop)
    return stop


def init(array):
    return lambda n_in, n_out, rng: array


def assert_says(error, words):
    """The message is this or, where it has "...", holds its parts in their order."""
    parts = [re.escape(part) for part in words.split("...")]
    match = re.fullmatch if len(parts) == 1 else re.search
    assert match(".*".join(parts), str(error), re.DOTALL), str(error)


SHAPES = """
train(X[:, :3])
    ValueError: Dense(4, 5) expects x of shape (n, 4), got (8, 3)
Network(Dense(4, 3, seed()), ReLU(), Dense(5, 2, seed())).predict(X)
    ValueError: Dense(5, 2)...(n, 5)...(30, 3)
Dense(4, 5, seed()).predict(np.ones((2, 6, 3)))
    ValueError: Dense(4, 5)...(n, 4)...(2, 6, 3)
train(np.zeros((30, 28, 28)), net=mlp([784, 3], seed()))
    ValueError: Dense(784, 3) expects x of shape (n, 784), got (8, 28, 28); flatten each
    sample first: x.reshape(len(x), -1)
train_recipe((X.reshape(30, 2, 2), Y), seed())
    ValueError: train...(n, 4)...(30, 2, 2)...flatten
network().predict(X[0])
    ValueError: Dense(4, 5) expects x of shape (n, 4), got (4,); one sample needs its
    row axis: x.reshape(1, -1)
train(X[0], Y[:1])
    ValueError: fit: train...4 rows of x...1 of y...x.reshape(1, -1)
train(X[:, 0], Y, net=mlp([1, 3], seed()))
    ValueError: Dense(1, 3)...got (8,)...x.reshape(-1, 1)
train(3, 1)
    ValueError: fit: x of train...rows...3
train([[1, 2, 3, 4], [1, 2]], [0, 1])
    ValueError: fit: x of train...one length...several
fit(network(), Huber(), Adam(), X, epochs=1, rng=seed())
    ValueError: fit: train must be a pair (x, y)
train(validation=(X, Y, Y))
    ValueError: fit: validation...a pair...
train(X, Y[:5])
    ValueError: fit: train...30 rows...5 of y
train(validation=(X, Y[:5]))
    ValueError: fit: validation...30 rows...5 of y
evaluate(network(), Huber(), X[:5], Y)
    ValueError: evaluate needs one row or more and a y for each, got 5 rows of x and 30
    of y
next(batches(X[:5], Y, 2, seed()))
    ValueError: batches...5 rows of x...30 of y
split(X, Y[:5], 0.5, seed())
    ValueError: split...30 rows of x...5 of y
accuracy([0, 1], [0])
    ValueError: accuracy...2 labels...1 predictions
train(X[:0], Y[:0])
    ValueError: fit: train is empty...(0, 4)
evaluate(network(), Huber(), X[:0], Y[:0])
    ValueError: evaluate...0 rows of x...0 of y
train_recipe((X, Y), seed(), validation=(X[:, :2], Y))
    ValueError: train...(n, 4)...(30, 2)
train(X.astype(str))
    ValueError: fit: x of train...numbers...<U
train(X.astype(object))
    ValueError: fit: x of train...object
train(X + 0j)
    ValueError: fit: x of train...complex128
network().predict(X.astype(str))
    ValueError: Dense(4, 5)...x...numbers...<U
network().predict([[1, 2, 3, 4]])
    TypeError: Dense(4, 5) expects an array, got list; np.asarray(x) makes one
evaluate(network(), Huber(), X.tolist(), Y)
    TypeError: evaluate: x...list...np.asarray(x)
"""

TARGETS = """
MeanSquaredError().forward(P[:, :1], P[:, 0])
    ValueError: MeanSquaredError: prediction (30, 1) and target (30,) must have the same
    shape; reshape the target to (30, 1)
BinaryCrossEntropy().forward(P[:, 0], P[:, :1])
    ValueError: BinaryCrossEntropy...(30,)...(30, 1)...reshape the target to (30,)
SigmoidBinaryCrossEntropy().forward(P, Y)
    ValueError: SigmoidBinaryCrossEntropy...(30, 3)...(30,)...np.eye(3)[y]
Huber().forward(P, HOT[:, :2])
    ValueError: Huber...(30, 3)...(30, 2)...same shape
train(X, X[:, 0], net=mlp([4, 1], seed()), loss=MeanSquaredError())
    ValueError: MeanSquaredError...(8, 1)...(8,)...reshape the target to (8, 1)
MeanSquaredError().forward(P[:0], P[:0])
    ValueError: MeanSquaredError...empty...(0, 3)
MeanSquaredError().forward(P, HOT.astype(str))
    ValueError: MeanSquaredError: target...numbers...<U
CrossEntropy().forward(P, HOT)
    ValueError: CrossEntropy expects class indices of shape (n,), got (30, 3); for
    one-hot rows use y.argmax(axis=1)
SoftmaxCrossEntropy().forward(P, Y[:, None])
    ValueError: SoftmaxCrossEntropy...(n,)...(30, 1)...y.ravel()
SoftmaxCrossEntropy().forward(P, with_value(Y, 7, -1))
    ValueError: SoftmaxCrossEntropy: labels must be from 0 to 2, got -1 at row 7
CrossEntropy().forward(P, with_value(Y, 7, 3))
    ValueError: CrossEntropy...from 0 to 2...3 at row 7
train(y=Y + 1)
    ValueError: SoftmaxCrossEntropy...from 0 to 2...got 3 at row
CrossEntropy().forward(P[:, :1], Y)
    ValueError: CrossEntropy...0 to 0...1 at row 1...knows one class only
CrossEntropy().forward(P[0], 1)
    ValueError: CrossEntropy...(n, k)...(3,)
SoftmaxCrossEntropy().forward(P[:0], Y[:0])
    ValueError: SoftmaxCrossEntropy...(n, k)...(0, 3)
CrossEntropy().forward(P, Y[:5])
    ValueError: CrossEntropy...30 rows...5 labels
CrossEntropy().forward(P, Y * 1.0)
    ValueError: CrossEntropy expects class indices as whole numbers, got dtype float64;
    np.unique(y, return_inverse=True) numbers any labels
CrossEntropy().forward(P, Y.astype(str))
    ValueError: CrossEntropy...whole numbers...<U...np.unique
CrossEntropy().forward(P, Y > 0)
    ValueError: CrossEntropy...whole numbers...bool
train(y=Y.astype(str))
    ValueError: fit: y of train...numbers...<U
train_recipe((X, Y * 1.0), seed())
    ValueError: train...whole numbers...float32
train_recipe((X, Y - 1), seed())
    ValueError: train: labels...at least 0...-1 at row 0
CrossEntropy().forward(with_value(P, (2, 1), 1.2), Y)
    ValueError: CrossEntropy: probabilities must lie in [0, 1], got 1.2
BinaryCrossEntropy().forward([0.5, -0.1, 7], [0, 1, 1])
    ValueError: BinaryCrossEntropy: probabilities...got -0.1
accuracy(np.eye(2, dtype=int), [0, 1])
    ValueError: accuracy...(n,), got (2, 2); for one-hot rows use y.argmax(axis=1)
BinaryCrossEntropy().forward(np.array([-0.5]), [1.0])
    ValueError: BinaryCrossEntropy: probabilities...-0.5
SigmoidBinaryCrossEntropy().forward(P, HOT * 2)
    ValueError: SigmoidBinaryCrossEntropy: targets...[0, 1]...2
CrossEntropy().forward(with_value(P, (2, 1), NAN), Y)
    ValueError: CrossEntropy: probabilities...nan
f1(Y, P)
    ValueError: predicted...(n,)...(30, 3)...y.argmax(axis=1)
f1([0, 1], [0, 1], "binary")
    ValueError: average must be None, 'macro', 'micro' or 'weighted', got 'binary'...
confusion_matrix([0, -1], [0, 1])
    ValueError: confusion_matrix, y...-1 at row 1
confusion_matrix([0, 1], [0, 10**6])
    ValueError: confusion_matrix...below 10000...1000000...np.unique
confusion_matrix([0, 1], [0, 2], 2)
    ValueError: confusion_matrix, predicted...from 0 to 1...2 at row 1
report([0, 1, 2], [0, 1, 2], ["cat", "dog"])
    ValueError: labels must be from 0 to 1, got 2 at row 2...
"""

NUMBERS = """
train(with_value(X, ((7, 9), (1, 0)), NAN))
    ValueError: fit: x of train holds 2 values that are NaN or infinite, the first at
    (7, 1); clean the data before training
train(X, with_value(HOT, (4, 2), INF), loss=MeanSquaredError())
    ValueError: fit: y of train...1 values...(4, 2)
train(validation=(with_value(X, (7, 1), -INF), Y))
    ValueError: fit: x of validation...(7, 1)
train_recipe((with_value(X, (7, 1), NAN), Y), seed())
    ValueError: train: x of data...(7, 1)
train(with_value(X, (7, 1), 1e300), net=network(np.float32))
    ValueError: fit: x of train...1 values...(7, 1)
clip_gradients({"w": np.array([INF, 1])}, 1)
    ValueError: clip_gradients: the global norm...finite number, got inf
"""

PARTS = """
SGD(0.1, 0.9, nesterov=1)
    ValueError: SGD: nesterov...True or False...1
SGD(0.1, nesterov=True)
    ValueError: SGD: nesterov needs a momentum above 0
AdamW(beta1=1)
    ValueError: AdamW: beta1 must be in [0, 1), got 1
Dense(2, 2, seed(), dtype=int)
    ValueError: Dense: dtype must be of floating point, such as np.float32, got <class
    'int'>
Dense(2, 2, seed(), dtype="float99")
    ValueError: Dense: dtype...'float99'
Dense(2, 3, seed(), init(np.ones((3, 2))))
    ValueError: Dense: init...(2, 3)...(3, 2)
Dense(2, 3, seed(), init(np.full((2, 3), INF)))
    ValueError: Dense: what init returned...6 values...(0, 0)
Dense(1, 2, seed(), init([["a", "b"]]))
    ValueError: Dense: what init returned...numbers...<U1
mlp([3], seed())
    ValueError: mlp: sizes needs an input and an output, got [3]
mlp(3, seed())
    ValueError: mlp: sizes...got 3
build(seed(), (3,))
    ValueError: build: sizes...(3,)
split(X[:4], Y[:4], 0.5, seed())
    ValueError: split: class 1 has 1 rows...
train(net=Network(ReLU()))
    ValueError: fit: the network has no parameters to train
Network().set_grads(X)
    ValueError: Network: it has no layers, so there are no gradients to set
Network(Dense(2, 2, seed()), ReLU)
    TypeError: Network: expected layers...ReLU'>; ReLU() is one, ReLU is not
Network([ReLU(), GELU()])
    TypeError: Network: expected layers, got [ReLU(), GELU()]; ...Network(*layers)
mlp([2, 3, 2], seed(), activation=ReLU())
    TypeError: mlp: activation must be a class of layers, such as ReLU without brackets,
    got ReLU()
mlp([2, 3, 2], seed(), activation="relu")
    TypeError: mlp: activation...'relu'
mlp([2, 3, 2], seed(), activation=np.tanh)
    TypeError: mlp: activation...<ufunc 'tanh'>
train(loss=Huber)
    TypeError: fit: loss...Huber(...), got <class
train(optimizer=Adam)
    TypeError: fit: optimizer...Adam(...), got <class
train(loss=Adam())
    TypeError: fit: loss must have forward, backward, got Adam(...
train(optimizer=Huber())
    TypeError: fit: optimizer...lr, step...Huber(
train(net=[ReLU()])
    TypeError: fit: network...set_grads...[ReLU()]
train(schedule=0.1)
    TypeError: fit: schedule...0.1
train(before_step=1)
    TypeError: fit: before_step...1
train(after_epoch=3)
    TypeError: fit: after_epoch...3
train(before_step=lambda grads: None)
    TypeError: fit: before_step must return gradients, got None
train(after_epoch=EarlyStopping(watch="validation_los"))
    ValueError: EarlyStopping: 'validation_los'...['accuracy', 'loss']
EarlyStopping().restore(network())
    ValueError: EarlyStopping: there is nothing to restore...
watched().restore(mlp([4, 3], seed()))
    ValueError: EarlyStopping...another...{'0.W': (4, 5), ...{'0.W': (4, 3), ...
"""

HISTORIES = """
train(history={"loss": [1.0] * 3}, epochs=2)
    ValueError: fit: history has 3 epochs, more than epochs=2; epochs counts from the
    start of the training
train(history={"loss": [1.0, 2.0], "accuracy": [0.5]}, epochs=9)
    ValueError: fit...history...{'loss': 2, 'accuracy': 1}
train(history={"loss": [1.0], "validation_loss": [1.0]}, epochs=9)
    ValueError: fit...history...['loss', 'validation_loss']...['loss']
train(history={"loss": [1.0]}, epochs=9, validation=(X, Y))
    ValueError: fit...history...['loss']...['loss', 'validation_loss']...same validation
train(history={"accuracy": [1.0]}, epochs=9)
    ValueError: fit...history has []...['loss']
train(history=[1.0], epochs=9)
    ValueError: fit: history must be what an earlier fit returned, got [1.0]
train(history=3, epochs=9)
    ValueError: fit: history...3
train(history={"loss": 3}, epochs=9)
    ValueError: fit: history...{'loss': 3}
"""

NAMES = {}
for module in (activations, layers, losses, optimizers, generalization, fashion_mnist):
    NAMES |= vars(module)
NAMES |= globals()  # above all what stands in this file


def rows(table):
    """The calls of a table, each with the message below it."""
    for lines in re.findall(r"^(\S.*\n(?: +.+\n)+)", table, re.MULTILINE):
        call, *message = lines.splitlines()
        yield call, " ".join(line.strip() for line in message)


REFUSED = dict(rows(SHAPES + TARGETS + NUMBERS + PARTS + HISTORIES))


@pytest.mark.parametrize("call", REFUSED)
def test_refused(call):
    kind, _, words = REFUSED[call].partition(": ")
    with warnings.catch_warnings(), pytest.raises((ValueError, TypeError)) as error:
        warnings.simplefilter("error")
        eval(call, NAMES)
    assert error.type.__name__ == kind
    assert_says(error.value, words)


# ------------------------------------------------------------------------- settings

INTERVALS = {
    "[0, inf)": """
        ELU.alpha GradientDescent.lr SGD.lr RMSprop.lr RMSprop.eps Adam.lr Adam.eps
        AdamW.lr AdamW.eps AdamW.weight_decay NAdam.lr NAdam.eps NAdam.momentum_decay
        constant.lr step_decay.lr step_decay.factor step_decay.drops cosine.lr
        cosine.final exponential_decay.lr warmup_cosine.lr warmup_cosine.final
        fit.schedule fit.lr
    """,
    "(0, inf)": "Huber.delta exponential_decay.final clip_gradients.max_norm",
    "[0, 1]": "LeakyReLU.slope warmup_cosine.warmup",
    "[0, 1)": """
        Dropout.rate SoftmaxCrossEntropy.label_smoothing SGD.momentum RMSprop.decay
        Adam.beta1 Adam.beta2 AdamW.beta1 AdamW.beta2 NAdam.beta1 NAdam.beta2
    """,
    "(0, 1)": "split.fraction",
}
KINDS = classes_below(Layer) | classes_below(Loss) | classes_below(Optimizer)
SPECIAL = {
    "fit.schedule": lambda v: train(schedule=lambda step, total_steps: v),
    "fit.lr": lambda v: train(optimizer=changed(Adam(), lr=v)),
    "clip_gradients.max_norm": lambda v: clip_gradients({}, v),
    "split.fraction": lambda v: split(X, Y, v, seed()),
}
NO_NUMBERS = (NAN, INF, -INF, "0.1", None, True, [0.5])
SETTINGS = [(name, k) for k, names in INTERVALS.items() for name in names.split()]


def use(setting, value):
    """Make what has this setting with this value."""
    if setting in SPECIAL:
        return SPECIAL[setting](value)
    owner, name = setting.split(".")
    return make(KINDS.get(owner) or getattr(optimizers, owner), **{name: value})


@pytest.mark.parametrize("setting, interval", SETTINGS)
def test_a_setting_must_lie_in_its_interval(setting, interval):
    low, high = (float(end) for end in interval[1:-1].split(", "))
    below = [-1.5, -1e-9] + [low] * (interval[0] == "(")
    above = [high + 1e-9, 7] * (high < INF) + [high] * (interval[-1] == ")")
    owner, name = setting.split(".")
    for value in (*NO_NUMBERS, *below, *above):
        with pytest.raises(ValueError) as error:
            use(setting, value)
        assert str(error.value).partition(":")[0] in owner
        assert_says(error.value, f": ...{name}...must be ...got {value!r}")
    for value in [0.1, 0.5] + [low] * (interval[0] == "[") + [1] * (high != 1):
        use(setting, value)
    if interval[-1] == "]":
        use(setting, high)


def test_every_setting_that_is_a_number_has_an_interval():
    known = {setting for setting, _ in SETTINGS}
    for owner, kind in KINDS.items():
        thing = make(kind)
        for name in kind.settings:
            if isinstance(getattr(thing, name), float):
                assert f"{owner}.{name}" in known, "INTERVALS above has them all"


COUNTS = {
    "Dense: n_in": lambda n: Dense(n, 2, seed()),
    "Dense: n_out": lambda n: mlp([2, n, 2], seed()),
    "fit: epochs": lambda n: train(epochs=n),
    "fit: batch_size": lambda n: train(batch_size=n),
    "batches: batch_size": lambda n: next(batches(X, Y, n, seed())),
    "evaluate: batch_size": lambda n: evaluate(
        network(), SoftmaxCrossEntropy(), X, Y, n
    ),
    "EarlyStopping: patience": lambda n: EarlyStopping(n),
    "confusion_matrix: n_classes": lambda n: confusion_matrix([0], [0], n),
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -3, 2.5, 2.0, NAN, "2", None, True])
def test_a_count_must_be_whole_and_at_least_1(name, value):
    if name.endswith("n_classes") and value is None:
        return  # asks for the default
    with pytest.raises(ValueError) as error:
        COUNTS[name](value)
    said = f"{name} must be a whole number of at least 1, got {value!r}"
    assert_says(error.value, said)


GENERATORS = {
    "Dense": lambda rng: Dense(2, 2, rng),
    "Dropout": lambda rng: Dropout(0.5, rng),
    "batches": lambda rng: next(batches(X, Y, 2, rng)),
    "split": lambda rng: split(X, Y, 0.5, rng),
    "fit": lambda rng: train(rng=rng),
}


@pytest.mark.parametrize("owner", GENERATORS)
@pytest.mark.parametrize("value", [0, None, np.random.RandomState(0)])
def test_a_generator_must_be_one(owner, value):
    with pytest.raises(ValueError) as error:
        GENERATORS[owner](value)
    assert_says(error.value, f"{owner}: rng must be...default_rng(0), got {value!r}")


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


BYTES = "is uint8 with values up to 255; .* divide"


def test_raw_bytes_are_warned_of():
    raw = (X > 0).astype(np.uint8) * np.uint8(255)
    with pytest.warns(UserWarning, match=f"^fit: x of train {BYTES} by 255 first$"):
        train(raw, Y)
    with pytest.warns(
        UserWarning, match=f"^fit: x of validation {BYTES} by 255 first$"
    ):
        train(X, Y, validation=(raw, Y))
    with pytest.warns(
        UserWarning, match=f"^train: x of data {BYTES} by 255 first$"
    ) as caught:
        train_recipe((raw, Y), seed(), epochs=1)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result(raw // 255, Y) == result((raw // 255).astype(float), Y)


def test_a_start_of_zeros_is_warned_of():
    with pytest.warns(UserWarning) as caught:
        train(net=mlp([4, 5, 3], seed(), init=zeros))
    (warning,) = caught
    assert_says(warning.message, "fit: all weights are zero...at random, with init=he")
    assert " fit(" in linecache.getline(warning.filename, warning.lineno)
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
