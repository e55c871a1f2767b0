"""What is wrapped around a training loop, so that the loop itself can stay bare.

`fit` of page 05 trains with a watched loss and a paced optimizer, epoch by whole epoch;
each has the verbs of what it wraps, so the loop cannot tell. The supporting cast.
"""

import copy
import math
import signal
import threading
import warnings
from contextlib import contextmanager

import numpy as np

from nbhelpers.border import (
    as_array,
    check_finite,
    check_indices,
    every_layer,
    number,
    refuse_features,
)


class Diverged(ArithmeticError):
    """The loss or a parameter is no finite number; `history` has the whole epochs."""


class Watched:
    """A loss that raises Diverged where it would return a number that is not finite."""

    def __init__(self, loss):
        self.loss, self.backward = loss, loss.backward

    def forward(self, prediction, target) -> float:
        value = self.loss.forward(prediction, target)
        if not math.isfinite(value):
            raise Diverged(f"the loss is {value}")
        return value


class Paced:
    """An optimizer with a rate for each step, and a last word on the gradients.

    schedule(step, total_steps) -> rate, or None for the optimizer's own, which is back
    in place after every step. before_step(grads) -> the gradients to use, or None.
    done: the number of steps    rate: that of the last one
    """

    def __init__(self, optimizer, schedule, before_step, done: int, total_steps: int):
        self.optimizer, self.schedule, self.before_step = (
            optimizer,
            schedule,
            before_step,
        )
        self.done, self.total_steps, self.rate = done, total_steps, optimizer.lr

    def step(self, params, grads):
        optimizer, own = self.optimizer, self.optimizer.lr
        self.rate = own
        if self.schedule is not None:
            rate = self.schedule(self.done, self.total_steps)
            self.rate = number(0)("fit", "the rate given by the schedule", rate)
        if self.before_step is not None:
            grads = self.before_step(grads)
            if not hasattr(grads, "keys"):
                raise TypeError(f"fit: before_step must return gradients, got {grads}")
        optimizer.lr = self.rate
        try:
            optimizer.step(params, grads)
        finally:
            optimizer.lr = own
        self.done += 1


@contextmanager
def whole_epoch(network, optimizer, rng, history: dict):
    """All of an epoch or nothing of it: what interrupts it puts everything back.

    Everything: parameters and state of the network, the optimizer, the generators of
    training and layers, the history. Raises Diverged for parameters not finite.
    """
    put_back = moment(network, optimizer, rng, history)
    try:
        yield
        for name, w in network.params.items():
            if not np.isfinite(w).all():
                raise Diverged(f"parameter {name!r} is not finite")
    except BaseException:
        with no_interrupt():
            put_back()
        raise


def moment(network, optimizer, rng, history):
    """A function that puts everything back to how it is now."""
    generators = generators_of(network, rng)
    shared = [network, *kept_arrays(network).values(), *generators]
    memory = copied(vars(optimizer), {id(thing): thing for thing in shared})
    arrays = {name: w.copy() for name, w in kept_arrays(network).items()}
    bits = [g.bit_generator for g in generators]
    states = [b.state for b in bits]
    lists = {name: list(values) for name, values in history.items()}

    def put_back():
        for name, w in kept_arrays(network).items():
            w[...] = arrays[name]
        vars(optimizer).clear()
        vars(optimizer).update(memory)
        for b, state in zip(bits, states, strict=True):
            b.state = state
        history.clear()
        history.update(lists)

    return put_back


def copied(value, shared: dict):
    """A deep copy of what an optimizer holds, but for what is shared; quick for dicts
    of arrays."""
    if isinstance(value, dict):
        return {name: copied(inner, shared) for name, inner in value.items()}
    if isinstance(value, np.ndarray) and id(value) not in shared:
        return value.copy()
    return value if isinstance(value, (int, float)) else copy.deepcopy(value, shared)


def kept_arrays(network) -> dict:
    """All that a network has learned: its parameters and its state, by name."""
    params, state = network.params, getattr(network, "state", {})
    twice = sorted(params.keys() & state.keys())
    if twice:
        raise ValueError(f"{twice} are names in params and in state; rename one each")
    return params | state


def generators_of(network, *others) -> list:
    """The generators that the layers hold, and others, each once."""
    held = [v for layer in every_layer(network) for v in vars(layer).values()]
    found = [g for g in (*others, *held) if isinstance(g, np.random.Generator)]
    return list({id(g): g for g in found}.values())


def measured(stopping, network, history):
    """A rule for early stopping: what it watches is in the history."""
    if stopping.watch not in history:
        raise ValueError(
            f"EarlyStopping: {stopping.watch!r} is not measured, only {sorted(history)}"
        )
    return network, history


def same_network(stopping, network):
    """A rule for early stopping: it keeps arrays of this network's shapes."""
    if stopping.kept is None:
        raise ValueError(
            "EarlyStopping: there is nothing to restore, no epoch gave a finite number"
        )
    arrays = kept_arrays(network), stopping.kept
    shapes, others = ({n: w.shape for n, w in named.items()} for named in arrays)
    if shapes != others:
        raise ValueError(
            f"EarlyStopping: the parameters kept are another network's, {others}, "
            f"this one has {shapes}"
        )
    return (network,)


@contextmanager
def no_interrupt():
    """Ignore Ctrl-C for the moment that it takes to put things back."""
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.getsignal(signal.SIGINT)  # None: not a handler of Python's
    if before is None:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def reporting_the_end(history: dict, paced: Paced, steps: int):
    """Ctrl-C ends with a line in place of an error; any error gets the history.

    steps: the number of steps in an epoch
    """
    try:
        yield
    except KeyboardInterrupt:
        epoch = len(history.get("loss", [])) + 1
        print(f"Stopped by hand in epoch {epoch}; that epoch is undone.")
    except Exception as error:
        error.history = history
        if isinstance(error, Diverged):
            done = len(history.get("loss", []))
            batch = min(paced.done - done * steps + 1, steps)
            error.args = (
                f"{error} (epoch {done + 1}, batch {batch}, rate {paced.rate:g}); that "
                "epoch is undone; lower the rate, scale the inputs, or clip the "
                "gradients with before_step",
            )
        raise


# ---------------------------------------------------------------- the border of `fit`


def training_parts(owner, arguments):
    """A rule for `fit`: parts that can play together, the data in the network's dtype,
    a history of its own that has room for more epochs."""
    check_parts(arguments)
    network, validation = arguments["network"], arguments["validation"]
    if not network.params:
        raise ValueError(f"{owner}: the network has no parameters to train")
    warn_of_zeros(owner, network.params)
    dtype = next(iter(network.params.values())).dtype
    if validation is not None:
        validation = training_data(owner, "validation", validation, dtype)
    train = training_data(owner, "train", arguments["train"], dtype)
    history = earlier(owner, arguments["history"], arguments["epochs"])
    if history:
        wanted = {"loss"} | ({"validation_loss"} if validation is not None else set())
        check_lists(owner, history, wanted)
    arguments |= {"train": train, "validation": validation, "history": history}


def check_parts(arguments):
    """TypeError unless `fit` was given objects with the verbs that it uses."""
    parts = {
        "network": ("params", "forward", "set_grads", "predict"),
        "loss": ("forward", "backward"),
        "optimizer": ("lr", "step"),
    }
    for name, needed in parts.items():
        part = arguments[name]
        if isinstance(part, type):
            made = part.__name__
            raise TypeError(f"fit: {name} must be made first, {made}(...), got {part}")
        if not all(hasattr(type(part), word) or hasattr(part, word) for word in needed):
            raise TypeError(f"fit: {name} must have {', '.join(needed)}, got {part!r}")
    for name in ("schedule", "before_step", "after_epoch"):
        part = arguments[name]
        if part is not None and not callable(part):
            raise TypeError(f"fit: {name} must be a function or None, got {part!r}")
    optimizer = arguments["optimizer"]
    optimizer.lr = number(0)("fit", "lr of the optimizer", optimizer.lr)


def earlier(owner, history, epochs: int) -> dict:
    """A copy of an earlier history; ValueError unless it is one with room for more."""
    try:
        history = {name: list(values) for name, values in (history or {}).items()}
    except (AttributeError, TypeError):
        raise ValueError(
            f"{owner}: history must be what an earlier fit returned, got {history!r}"
        ) from None
    lengths = {name: len(values) for name, values in history.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{owner}: the lists of history differ in length: {lengths}")
    if any(n > epochs for n in lengths.values()):
        raise ValueError(
            f"{owner}: history has {max(lengths.values())} epochs, more than "
            f"epochs={epochs}; epochs counts from the start of the training"
        )
    return history


def check_lists(owner, history, wanted):
    """ValueError unless the history has just the losses that will be measured."""
    losses = {name for name in history if name.endswith("loss")}
    if losses != wanted:
        raise ValueError(
            f"{owner}: history has {sorted(losses)}, this training measures "
            f"{sorted(wanted)}; give the same validation as before"
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


def training_data(owner, name, data, dtype):
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
            stacklevel=4,
        )
    with np.errstate(over="ignore"):  # too large for float32: then infinite, refused
        x = np.ascontiguousarray(x, dtype)
        y = y.astype(dtype) if y.dtype.kind == "f" else y
    check_finite(owner, f"x of {name}", x)
    if y.dtype.kind == "f":
        check_finite(owner, f"y of {name}", y)
    return x, y


def labelled_rows(owner, arguments):
    """A rule for `train`: data and validation as pairs x (n, n_in), y (n,) in float32;
    what follows the pair in data is left out."""
    x, y = training_data(owner, "data", arguments["data"][:2], np.float32)
    if x.ndim != 2:
        refuse_features(owner, x, math.prod(x.shape[1:]))
    check_indices(owner, y)
    arguments["data"] = x, y
    if arguments["validation"] is not None:
        held = training_data(owner, "validation", arguments["validation"], np.float32)
        if held[0].shape[1:] != x.shape[1:]:
            refuse_features(owner, held[0], x.shape[1])
        arguments["validation"] = held
