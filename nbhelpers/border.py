"""The border of the taught code: what a function takes, said in one line above it.

    @border(lr="[0, inf)", momentum="[0, 1)")    a rule for each argument, by its name
    @takes("features")                           one rule for the first ones together
    class Hinge(Loss, takes="scores and classes")

The body below such a line sees only arguments that fit: a rule returns them clean
(NumPy scalars as Python numbers, lists as arrays) or raises with one sentence that says
whose argument it was, what was expected, what came, and often what to do. An interval
stands for a finite number in it, a tuple for one of its values, and other words for the
function of that name below. The supporting cast.
"""

import functools
import inspect
import math
import re
import weakref
from collections.abc import Callable

import numpy as np


def rule_of(said) -> Callable:
    """The rule that an interval, a tuple or words stand for; a function is its own."""
    if callable(said):
        return said
    if isinstance(said, tuple):
        return one_of(*said)
    interval = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", said)
    if interval:
        left, low, high, right = interval.groups()
        return number(float(low), float(high), left == "(", right == ")")
    rule = globals().get(said.replace(" ", "_"))
    if rule is None:
        raise ValueError(f"nbhelpers.border has no rule {said!r}")
    return rule


def border(*together, **rules):
    """A decorator: apply the rules to the arguments before each call.

    rules: for each argument named a rule (owner, name, value) -> the value to use.
    together: rules (owner, arguments), called after them with the dict of all
    arguments, which they may change.
    """
    together = [rule_of(said) for said in together]
    rules = {name: rule_of(said) for name, said in rules.items()}

    def decorate(function):
        signature = inspect.signature(function)
        is_method = next(iter(signature.parameters), "") == "self"

        @functools.wraps(function)
        def with_border(*given, **named):
            try:
                bound = signature.bind(*given, **named)
            except TypeError:
                return function(*given, **named)  # Python says what is missing
            bound.apply_defaults()
            arguments = bound.arguments
            owner = type(given[0]).__name__ if is_method else function.__name__
            for name, rule in rules.items():
                arguments[name] = rule(owner, name, arguments[name])
            for rule in together:
                rule(owner, arguments)
            return function(*bound.args, **bound.kwargs)

        return with_border

    return decorate


def takes(rule: str | Callable):
    """A decorator for what is called often: one rule for the first arguments together.

    rule(owner, first, ...) returns them as a tuple. The owner is the object for a
    method, else the name of the function.
    """
    rule = rule_of(rule)
    count = len(inspect.signature(rule).parameters) - 1

    def decorate(function):
        signature = inspect.signature(function)
        method = next(iter(signature.parameters)) == "self"
        end = count + method

        @functools.wraps(function)
        def with_border(*given, **named):
            if named or len(given) < end:
                try:
                    given = signature.bind(*given, **named).args
                except TypeError:
                    return function(*given, **named)  # Python says what is missing
            if method:
                return function(given[0], *rule(*given[:end]), *given[end:])
            return function(*rule(function.__name__, *given[:end]), *given[end:])

        return with_border

    return decorate


def border_of_loss(cls: type, rule: str | Callable | None):
    """Give a class of losses its border: the rule, or else that of its parent."""
    cls.takes = cls.takes if rule is None else staticmethod(rule_of(rule))
    forward = vars(cls).get("forward")
    if forward is None and rule is not None:  # the parent's, under another rule
        forward = getattr(cls.forward, "__wrapped__", cls.forward)
    if forward is not None:
        cls.forward = takes(cls.takes)(forward)


def described(thing) -> str:
    """For `__repr__`: the class and its `settings`, those with a default by name."""
    parameters = inspect.signature(type(thing).__init__).parameters
    words = []
    for name in thing.settings:
        value, parameter = getattr(thing, name), parameters.get(name)
        if parameter is None or parameter.default is not parameter.empty:
            words.append(f"{name}={value!r}")
        elif parameter.kind is parameter.VAR_POSITIONAL:
            words += map(repr, value)
        else:
            words.append(repr(value))
    return f"{type(thing).__name__}({', '.join(words)})"


def not_there(thing, name: str):
    """For `__getattr__`, which Python calls only for what was never set."""
    kind, made = type(thing).__name__, getattr(type(thing), name, None)
    if isinstance(made, property):  # it is there, and failed: let it say why
        return made.fget(thing)
    if name.startswith("__"):
        raise AttributeError(f"{kind!r} object has no attribute {name!r}")
    if name in ("params", "grads", "state"):
        hint = f"{kind}.__init__ must call super().__init__()"
    else:
        hint = "`backward` needs a `forward` before it"
    raise AttributeError(f"{kind} has no {name!r}; {hint}")


def label(owner) -> str:
    """How an owner is called in a message: by its class, or by the name itself."""
    return owner if isinstance(owner, str) else type(owner).__name__


# ---------------------------------------------------------------- numbers


def number(low=-math.inf, high=math.inf, open_low=False, open_high=False):
    """A rule: a finite number from low to high, both included unless left open."""
    if high < math.inf:
        brackets = "(" if open_low else "[", ")" if open_high else "]"
        bounds = f"in {brackets[0]}{low:g}, {high:g}{brackets[1]}"
    else:
        bounds = f"{'above' if open_low else 'at least'} {low:g}"

    def rule(owner, name, value):
        real = isinstance(value, (int, float, np.integer, np.floating))
        if not real or isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(
                f"{label(owner)}: {name} must be a finite number, got {value!r}"
            )
        too_low = value < low or (open_low and value == low)
        if too_low or value > high or (open_high and value == high):
            raise ValueError(f"{label(owner)}: {name} must be {bounds}, got {value!r}")
        return value.item() if isinstance(value, np.generic) else value

    return rule


finite = number()


def count(owner, name, value) -> int:
    """A rule: a whole number of at least 1."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(
            f"{label(owner)}: {name} must be a whole number of at least 1, "
            f"got {value!r}"
        )
    return int(value)


def true_or_false(owner, name, value) -> bool:
    """A rule: True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{label(owner)}: {name} must be True or False, got {value!r}")
    return bool(value)


def one_of(*choices):
    """A rule: one of these values."""

    def rule(owner, name, value):
        if not any(
            value is c or (type(value) is type(c) and value == c) for c in choices
        ):
            *most, last = map(repr, choices)
            raise ValueError(
                f"{label(owner)}: {name} must be {', '.join(most)} or {last}, "
                f"got {value!r}"
            )
        return value

    return rule


# ---------------------------------------------------------------- parts of a network


def generator(owner, name, value):
    """A rule: a numpy Generator."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(
            f"{label(owner)}: {name} must be a numpy Generator, such as "
            f"default_rng(0), got {value!r}"
        )
    return value


def float_dtype(owner, name, value):
    """A rule: a dtype of floating point."""
    try:
        if np.dtype(value).kind == "f":
            return value
    except TypeError:
        pass
    raise ValueError(
        f"{label(owner)}: {name} must be of floating point, such as np.float32, "
        f"got {value!r}"
    )


def weights(owner, W, n_in: int, n_out: int, dtype):
    """What an initialiser returned, in dtype; ValueError for another shape or NaN."""
    W = as_array(owner, "what init returned", W)
    if W.shape != (n_in, n_out):
        raise ValueError(
            f"{label(owner)}: init must return weights of shape {(n_in, n_out)}, "
            f"got {W.shape}"
        )
    if W.dtype.kind not in "fiub":
        raise ValueError(
            f"{label(owner)}: what init returned must be numbers, got dtype {W.dtype}"
        )
    check_finite(owner, "what init returned", W)
    return W.astype(dtype)


def distinct_layers(owner, arguments):
    """A rule for the layers of a network: each a layer, none at two places in it."""
    layers = arguments["layers"]
    for layer in layers:
        if isinstance(layer, type) or not hasattr(layer, "backward"):
            hint = "ReLU() is one, ReLU is not; a list: Network(*layers)"
            raise TypeError(f"{owner}: expected layers, got {layer!r}; {hint}")
    every = [id(layer) for layer in every_layer(layers)]
    if len(set(every)) < len(every):
        raise ValueError(f"{owner}: a layer stands at two places; make one for each")


def some_layers(network, dy):
    """A rule for `set_grads`: there is a first layer."""
    if not network.layers:
        raise ValueError("Network: it has no layers, so there are no gradients to set")
    return (dy,)


def every_layer(thing) -> list:
    """The layers in a layer, list, tuple or dict: itself first, at any depth."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        return [layer for inner in thing for layer in every_layer(inner)]
    if isinstance(thing, type) or not hasattr(thing, "set_grads"):
        return []
    return [thing, *every_layer(vars(thing))]


def layer_sizes(owner, name, sizes):
    """A rule: two sizes or more."""
    if not hasattr(sizes, "__len__") or len(sizes) < 2:
        raise ValueError(
            f"{label(owner)}: {name} needs an input and an output, got {sizes}"
        )
    return sizes


def layer_class(owner, name, value):
    """A rule: a class, or another function that can be called without arguments."""
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        raise TypeError(
            f"{label(owner)}: {name} must be a class of layers, such as ReLU without "
            f"brackets, got {value!r}"
        ) from None
    return value


_moved = weakref.WeakKeyDictionary()  # optimizer -> name -> reference to its array


def parameters_and_gradients(optimizer, params, grads):
    """A rule for `step`: float arrays, a gradient of the shape of each, and, for what
    an optimizer remembers, the very arrays that it moved before."""
    known = _moved.setdefault(optimizer, {}) if optimizer.slots else {}
    clean = {}
    for name, w in params.items():
        if not isinstance(w, np.ndarray) or w.dtype.kind != "f":
            raise ValueError(
                f"{label(optimizer)}: {name!r} must be an array of floats, got {w!r}"
            )
        g = as_numbers(optimizer, f"the gradient of {name!r}", grads[name])
        if g.shape != w.shape:
            raise ValueError(
                f"{label(optimizer)}: the gradient of {name!r} has shape {g.shape}, "
                f"the parameter {w.shape}"
            )
        if name in known and known[name]() is not w:
            raise ValueError(
                f"{label(optimizer)}: {name!r} is another array than at the last step; "
                "make a new optimizer for another network, and change parameters in "
                "place, as w[...] = value does"
            )
        clean[name] = g
    new = params.keys() - known.keys()
    known.update({name: weakref.ref(params[name]) for name in new})
    return params, clean


# ---------------------------------------------------------------- arrays


def features(layer, x):
    """A rule for `predict`: x (..., n_in) for the n_in of this layer."""
    if not isinstance(x, np.ndarray) or x.ndim < 2 or x.shape[-1] != layer.n_in:
        refuse_features(repr(layer), x, layer.n_in)
    if x.dtype.kind not in "fiub":
        raise ValueError(f"{layer!r}: x must be numbers, got dtype {x.dtype}")
    return (x,)


def refuse_features(owner: str, x, n_in: int):
    """Raise for an x that is not (n, n_in), with a hint where the cause is plain."""
    if not isinstance(x, np.ndarray):
        raise TypeError(
            f"{owner} expects an array, got {type(x).__name__}; np.asarray(x) makes one"
        )
    hint = ""
    if x.ndim == 1 and n_in == 1 and x.size != 1:
        hint = "; one feature needs its column axis: x.reshape(-1, 1)"
    elif x.ndim == 1 and x.size == n_in:
        hint = "; one sample needs its row axis: x.reshape(1, -1)"
    elif x.ndim > 2 and math.prod(x.shape[1:]) == n_in:
        hint = "; flatten each sample first: x.reshape(len(x), -1)"
    raise ValueError(f"{owner} expects x of shape (n, {n_in}), got {x.shape}{hint}")


def as_array(owner, name, values):
    """The values as an array; ValueError where lists of different lengths make none."""
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{label(owner)}: {name} must have rows of one length, got lists of several"
        ) from None


def as_numbers(owner, name, values):
    """The values as an array of floats; ValueError where they are no numbers."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values
    values = as_array(owner, name, values)
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"{label(owner)}: {name} must be numbers, got dtype {values.dtype}"
        )
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def check_finite(owner, name, array):
    """ValueError if the array holds NaN or infinity: how many, and the first."""
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()):  # a single NaN or infinity would show in it
            return
    bad = ~np.isfinite(array)
    if bad.any():  # else only the sum was too large
        at = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        raise ValueError(
            f"{label(owner)}: {name} holds {int(bad.sum())} values that are NaN or "
            f"infinite, the first at {at}; clean the data before training"
        )


def check_indices(owner, y, classes=None, advice=""):
    """ValueError unless y (n,) holds whole numbers from 0 to classes - 1."""
    owner = label(owner)
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


def same_rows(owner, arguments):
    """A rule: x and y are arrays of equally many rows, and at least one."""
    x, y = arguments["x"], arguments["y"]
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


def rows_of_classes(owner, arguments):
    """A rule: x and y as arrays of equally many rows, y (n,) class indices."""
    for name in ("x", "y"):
        arguments[name] = as_array(owner, name, arguments[name])
    check_indices(owner, arguments["y"])
    same_rows(owner, arguments)


# ---------------------------------------------------------------- pairs


def same_shape(owner, prediction, target):
    """A rule: two arrays of one shape, in the prediction's float dtype.

    Broadcasting would hide the mistake.
    """
    prediction = as_numbers(owner, "prediction", prediction)
    target = as_numbers(owner, "target", target).astype(prediction.dtype, copy=False)
    if prediction.size == 0:
        raise ValueError(
            f"{label(owner)}: the batch is empty, prediction {prediction.shape}"
        )
    if prediction.shape == target.shape:
        return prediction, target
    hint = ""
    if prediction.size == target.size:
        hint = f"; reshape the target to {prediction.shape}"
    elif prediction.ndim == 2 and target.shape == prediction.shape[:1]:
        k = prediction.shape[1]
        hint = f"; one-hot rows of class indices y are np.eye({k})[y]"
    raise ValueError(
        f"{label(owner)}: prediction {prediction.shape} and target {target.shape} "
        f"must have the same shape{hint}"
    )


def scores_and_classes(owner, scores, y):
    """A rule: scores (n, k), floats, and a class index y (n,) for each row of them."""
    scores, y = as_numbers(owner, "scores", scores), np.asarray(y)
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(
            f"{label(owner)} expects scores of shape (n, k), got {scores.shape}"
        )
    hint = "; one score a row knows one class only" if scores.shape[1] == 1 else ""
    check_indices(owner, y, scores.shape[1], hint)
    if len(y) != len(scores):
        raise ValueError(
            f"{label(owner)}: {len(scores)} rows of scores but {len(y)} labels"
        )
    return scores, y


def either(owner, prediction, target):
    """A rule: `scores_and_classes` where the target is class indices for rows of
    scores, else `same_shape`."""
    target = as_array(owner, "target", target)
    rows = np.ndim(prediction) == 2 and target.ndim == 1 and target.dtype.kind in "iu"
    return (scores_and_classes if rows else same_shape)(owner, prediction, target)


def in_unit_range(owner, p, name="probabilities"):
    """ValueError unless every entry of p lies in [0, 1]."""
    bad = ~((p >= 0) & (p <= 1))  # NaN is bad too
    if bad.any():
        raise ValueError(
            f"{label(owner)}: {name} must lie in [0, 1], got {float(p[bad][0]):.6g}"
        )


def probabilities_and_classes(owner, p, y):
    """A rule: as `scores_and_classes`, and every score in [0, 1]."""
    p, y = scores_and_classes(owner, p, y)
    in_unit_range(owner, p)
    return p, y


def scores_and_probabilities(owner, z, t):
    """A rule: as `same_shape`, and every target in [0, 1]."""
    z, t = same_shape(owner, z, t)
    in_unit_range(owner, t, "targets")
    return z, t


def two_probabilities(owner, p, t):
    """A rule: as `same_shape`, and every entry of both in [0, 1]."""
    p, t = same_shape(owner, p, t)
    in_unit_range(owner, p)
    in_unit_range(owner, t, "targets")
    return p, t


def pairs_of_classes(owner, y, predicted):
    """A rule: equally many class indices in both, as int64."""
    y, predicted = np.asarray(y), np.asarray(predicted)
    check_indices(f"{owner}, y", y)
    check_indices(f"{owner}, predicted", predicted)
    if len(y) != len(predicted):
        raise ValueError(f"{owner}: {len(y)} labels but {len(predicted)} predictions")
    return y.astype(np.int64), predicted.astype(np.int64)


def table_of_classes(owner, arguments):
    """A rule: as `pairs_of_classes`, all below n_classes, the largest + 1 for None."""
    y, predicted = pairs_of_classes(owner, arguments["y"], arguments["predicted"])
    n_classes = arguments["n_classes"]
    k = int(max(y.max(), predicted.max())) + 1 if n_classes is None else n_classes
    k = count(owner, "n_classes", k)
    if k > 10_000:
        raise ValueError(
            f"{owner}: labels must be below 10000, got {k - 1}; "
            "np.unique(y, return_inverse=True) numbers any labels"
        )
    check_indices(f"{owner}, y", y, k)
    check_indices(f"{owner}, predicted", predicted, k)
    arguments |= {"y": y, "predicted": predicted, "n_classes": k}
