"""What every layer, loss and optimizer promises, and what one's own gets free."""

import ast
import copy
import inspect
import pickle

import numpy as np
import pytest

from nbhelpers.activations import ReLU
from nbhelpers.datasets import circles, moons, spirals
from nbhelpers.dynamic_network import Network, Optimizer, fit, mlp
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense, Layer, he, lecun, normal, xavier, zeros
from nbhelpers.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy
from nbhelpers.optimizers import (
    SGD,
    Adam,
    AdamW,
    cosine,
    exponential_decay,
    step_decay,
    warmup_cosine,
)
from nbhelpers.single_pass import check_gradient, numerical_gradient
from toys import BatchNorm, make, variants

PARTS = variants(Layer) | variants(Loss) | variants(Optimizer)
every_part = pytest.mark.parametrize("made", PARTS.values(), ids=PARTS)


def seed():
    return np.random.default_rng(0)


# ---- what they say they are


@pytest.mark.parametrize(
    "thing, words",
    [
        (Dense(784, np.int64(10), seed()), "Dense(784, 10)"),
        (ReLU(), "ReLU()"),
        (Dropout(0.2, seed()), "Dropout(0.2)"),
        (SGD(0.1, momentum=0.9), "SGD(0.1, momentum=0.9, nesterov=False)"),
        (Adam(), "Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)"),
        (SoftmaxCrossEntropy(0.1), "SoftmaxCrossEntropy(label_smoothing=0.1)"),
        (MeanSquaredError(), "MeanSquaredError()"),
        (Network(), "Network()"),
        (mlp([2, 3, 1], seed()), "Network(Dense(2, 3), ReLU(), Dense(3, 1))"),
        (Network(ReLU(), Network(ReLU())), "Network(ReLU(), Network(ReLU()))"),
    ],
)
def test_repr(thing, words):
    assert repr(thing) == words


@every_part
def test_repr_says_how_to_make_an_equal_one(made):
    thing = made()
    call = ast.parse(repr(thing), mode="eval").body
    names = [name for name in type(thing).settings if name != "layers"]
    given = dict(zip(names, map(ast.literal_eval, call.args), strict=False))
    given |= {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    assert call.func.id == type(thing).__name__ and list(given) == names
    again = make(type(thing), **given)
    for name in names:
        assert getattr(again, name) == getattr(thing, name)
    assert repr(again) == repr(thing)


@every_part
def test_a_copy_is_alike_and_its_own(made):
    thing = made()
    for again in (copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))):
        assert repr(again) == repr(thing) and again is not thing
        for name, w in getattr(thing, "params", {}).items():
            np.testing.assert_array_equal(again.params[name], w)
            assert not np.shares_memory(again.params[name], w)


@every_part
@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_settings_are_pythons_own_numbers(made, number):
    """NumPy's would be told of in every repr, and could not be saved as JSON."""
    thing = made()
    values = {name: getattr(thing, name) for name in thing.settings if name != "layers"}
    given = {k: np.array(v)[()] for k, v in values.items()}
    given |= {k: number(v) for k, v in values.items() if isinstance(v, float)}
    again = make(type(thing), **given)
    for name, value in given.items():
        assert type(getattr(again, name)) is type(values[name])
        assert getattr(again, name) == value
    assert type(Adam(np.int8(1)).lr) is int


@pytest.mark.parametrize(
    "function, defaults",
    [
        (spirals, {"classes": 3, "noise": 0.2}),
        (moons, {"noise": 0.1}),
        (circles, {"noise": 0.1}),
        (numerical_gradient, {"h": 1e-6}),
        (check_gradient, {"tolerance": 1e-6}),
        (normal, {"std": 1}),
        (fit, {"batch_size": 128}),
        (step_decay, {"factor": 0.1, "drops": 2}),
        (exponential_decay, {"final": 0.01}),
        (cosine, {"final": 0}),
        (warmup_cosine, {"warmup": 0.3, "final": 0}),
    ],
)
def test_what_is_not_given_is_the_usual(function, defaults):
    parameters = inspect.signature(function).parameters.values()
    found = {
        p.name: p.default for p in parameters if isinstance(p.default, int | float)
    }
    assert found == defaults


@pytest.mark.parametrize(
    "init, variance",
    [
        (zeros, 0),
        (normal, 1),
        (lecun, 1 / 300),
        (xavier, 2 / (300 + 200)),
        (he, 2 / 300),
    ],
)
def test_the_variance_of_the_start(init, variance):
    W = Dense(300, 200, seed(), init).params["W"]
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) <= 0.01 * variance**0.5


def test_dense_starts_as_he_says():
    wide, default = (Dense(300, 200, seed(), *init) for init in ([he], []))
    np.testing.assert_array_equal(wide.params["W"], default.params["W"])
    assert not default.params["b"].any()
    network = mlp([300, 200, 1], seed())
    np.testing.assert_array_equal(network.params["0.W"], wide.params["W"])


# ---- each in its place, and only there


class Box(Layer):
    """A layer that holds others, in whatever it was given."""

    def __init__(self, *held):
        super().__init__()
        self.held = held

    def predict(self, x):
        return x

    def backward(self, dy):
        return dy


@pytest.mark.parametrize(
    "around",
    [
        lambda one: (one, one),
        lambda one: (Network(one), one),
        lambda one: (Network(one), Network(one)),
        lambda one: (Box(one), one),
        lambda one: (Box(Network(one)), Box(one)),
        lambda one: (Box(one, one),),
        lambda one: (Box([one]), Box({"left": (one,)})),
    ],
)
@pytest.mark.parametrize("one", [ReLU, lambda: Dense(2, 2, seed()), lambda: Box(3)])
def test_a_layer_at_two_places_is_refused(around, one):
    with pytest.raises(
        ValueError, match="^Network: a layer stands at two places; make"
    ):
        Network(*around(one()))


def test_what_is_no_layer_may_be_shared():
    rng, box = seed(), Box(ReLU, "relu", [1], {"depth": 2})
    Network(Box(ReLU), Box(ReLU), Dropout(0.5, rng), Dropout(0.5, rng), box)
    Network(mlp([2, 2], rng), mlp([2, 2], rng))


# ---- a verb too early


@pytest.mark.parametrize(
    "name", [n for n, m in PARTS.items() if hasattr(m(), "backward")]
)
def test_backward_before_forward_says_so(name):
    thing = PARTS[name]()
    if name == "Network":
        thing = Network(ReLU())
    arguments = (np.ones((2, 2)),) if isinstance(thing, Layer) else ()
    for verb in ("backward", "set_grads")[: 1 + len(arguments)]:
        with pytest.raises(AttributeError, match="`backward` needs a `forward` before"):
            getattr(thing, verb)(*arguments)


def test_a_name_that_is_not_there_is_missing_as_ever():
    for thing in (ReLU(), MeanSquaredError(), Network()):
        assert not hasattr(thing, "w") and not hasattr(thing, "__array__")
        with pytest.raises(AttributeError, match="^'.*' object has no attribute '__a'"):
            thing.__a  # noqa: B018


# ---- one's own


class Forgetful(Layer):
    def __init__(self):
        self.scale = 2

    def predict(self, x):
        return self.scale * x


def test_a_layer_without_its_super_is_named():
    words = r"^Forgetful has no 'params'; Forgetful.__init__ must call super\(\)"
    network = Network(Dense(2, 2, seed()), Forgetful())
    assert repr(network) == "Network(Dense(2, 2), Forgetful())"
    data = np.ones((4, 2)), np.zeros(4, int)
    for call in (
        lambda: network.params,
        lambda: Forgetful().params,
        lambda: fit(network, SoftmaxCrossEntropy(), Adam(), data, epochs=1, rng=seed()),
    ):
        with pytest.raises(AttributeError, match=words):
            call()
    with pytest.raises(AttributeError, match="Forgetful has no 'state'"):
        network.state  # noqa: B018


def test_a_layer_made_in_another_way_still_says_what_it_is():
    class Square(Dense):
        def __init__(self, n, rng):
            super().__init__(n, n, rng)

    square = Square(2, seed())
    assert repr(square) == "Square(n_in=2, n_out=2)"
    with pytest.raises(ValueError, match=r"^Square\(n_in=2, n_out=2\) expects x of"):
        square.predict(np.ones((1, 3)))


def test_state_has_the_names_of_params():
    network = Network(ReLU(), Network(BatchNorm(2)))
    assert list(network.state) == ["1.0.mean", "1.0.variance"]
    assert list(network.params) == ["1.0.gain", "1.0.shift"]


class Plain(Loss):
    """Takes what nobody said a word about."""

    def forward(self, prediction, target):
        self.seen = prediction, target
        return 0.0


def pairs(owner, prediction, target):
    """A rule of one's own."""
    if len(prediction) != 2:
        raise ValueError(f"{type(owner).__name__}: two at a time")
    return np.asarray(prediction) + 1, target


class InShares(MeanSquaredError, takes="two probabilities"):
    """Another border around the forward of its parent."""


class InPairs(Loss, takes=pairs):
    forward = Plain.forward.__wrapped__


class InPairsToo(InPairs):
    """Under the border of its parent, with a forward of its own."""

    def forward(self, prediction, target):
        return super().forward(prediction, target) + 7


class InClasses(InPairsToo, takes="scores and classes"):
    forward = Plain.forward.__wrapped__


SCORES, ONE = np.ones((2, 3)), np.ones(3)


@pytest.mark.parametrize(
    "loss, prediction, target, words",
    [
        (Plain(), ONE, np.ones(2), r"^Plain: prediction \(3,\) and target \(2,\)"),
        (Plain(), ONE, ["a", "b", "c"], "^Plain: target must be numbers"),
        (Plain(), SCORES, [0, 3], "^Plain: labels must be from 0 to 2, got 3 at row 1"),
        (Plain(), SCORES, [0], "^Plain: 2 rows of scores but 1 labels"),
        (InShares(), [2.0], [0.5], "^InShares: probabilities must lie in"),
        (InPairs(), ONE, ONE, "^InPairs: two at a time"),
        (InPairsToo(), ONE, ONE, "^InPairsToo: two at a time"),
        (InClasses(), ONE, ONE, r"^InClasses expects scores of shape \(n, k\)"),
    ],
)
def test_a_loss_of_ones_own_has_a_border(loss, prediction, target, words):
    for call in (
        lambda: loss.forward(prediction, target),
        lambda: loss.forward(prediction, target=target),
        lambda: loss.forward(target=target, prediction=prediction),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_a_loss_of_ones_own_sees_what_its_border_let_through():
    loss = Plain()
    loss.forward([1, 2], target=[3, 4])
    assert [a.dtype for a in loss.seen] == [np.float64] * 2
    loss.forward(SCORES, [0, 1])
    assert loss.seen[1].dtype.kind == "i"
    assert InShares().forward([1.0, 0.5], [0.5, 0.5]) == 0.125
    loss = InPairs()
    loss.forward([1, 2], "as it is")
    assert loss.seen[0].tolist() == [2, 3] and loss.seen[1] == "as it is"
    loss = InPairsToo()
    assert loss.forward([1, 2], None) == 7 and loss.seen[0].tolist() == [3, 4]
    assert InClasses().forward(SCORES, [0, 1]) == 0
    assert repr(loss) == "InPairsToo()"


def test_python_says_what_is_missing():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'tar"):
        Plain().forward(ONE)
    with pytest.raises(TypeError, match="unexpected keyword argument 'momentum'"):
        AdamW(momentum=0.9)
    with pytest.raises(
        TypeError, match="missing 1 required positional argument: 'rng'"
    ):
        Dense(2, 2)


def test_a_rule_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="has no rule 'scores or classes'"):

        class Typed(Loss, takes="scores or classes"):
            pass
