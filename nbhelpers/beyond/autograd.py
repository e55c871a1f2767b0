"""Reverse mode for any calculation: tensors that remember how they were made.

Exported from notebooks/beyond/11_autograd.ipynb.
"""

import numpy as np


def history(end):
    """The tensors of which `end` was made, and itself, parents before children."""
    found, waiting = {end}, [end]
    while waiting:
        tensor = waiting.pop()
        if tensor.parents is None:
            raise ValueError("a backward has freed this record: compute the loss again")
        new = {parent for parent, _ in tensor.parents} - found
        found |= new
        waiting += new
    return sorted(found, key=lambda tensor: tensor.depth)


def value(a):
    """The array of a tensor, or of a constant: a number, a list or an array."""
    array = a.data if isinstance(a, Tensor) else np.asarray(a)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor holds numbers, got {a!r:.60}")
    return array.astype(np.float64, copy=False)


def operation(f, *ways):
    """The function y = f(...) for tensors and constants, which records its inputs.

    ways: one for each input, which turns the gradient g of y into that of the input:
    way(g, y, *arguments). Arguments after the inputs are settings, such as an axis.
    """

    def recorded(*arguments, **settings):
        inputs = arguments[: len(ways)]
        arguments = *map(value, inputs), *arguments[len(ways) :]
        y = f(*arguments, **settings)
        made = Tensor(y)
        made.parents = [
            (a, lambda g, way=way: way(g, y, *arguments, **settings))
            for a, way in zip(inputs, ways, strict=True)
            if isinstance(a, Tensor)
        ]
        made.depth = 1 + max((a.depth for a, _ in made.parents), default=-1)
        return made

    return recorded


add = operation(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = operation(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = operation(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = operation(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
power = operation(np.power, lambda g, y, a, n: g * n * a ** (n - (n != 0)))
exp = operation(np.exp, lambda g, y, a: g * y)
log = operation(np.log, lambda g, y, a: g / a)
tanh = operation(np.tanh, lambda g, y, a: g * (1 - y**2))
relu = operation(lambda a: np.maximum(a, 0), lambda g, y, a: g * (a > 0))


def sum_to(g, shape):
    """The gradient of what was stretched from this shape: g, summed where it was."""
    if g.shape != shape:
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
        stretched = tuple(k for k, n in enumerate(shape) if n != g.shape[k])
        g = g.sum(axis=stretched, keepdims=True)
    return g


def matrices(a, b):
    if min(a.ndim, b.ndim) < 2:
        raise ValueError(f"@ takes rows and columns, got {a.shape} and {b.shape}")
    return a @ b


product = operation(
    matrices,
    lambda g, y, a, b: g @ b.swapaxes(-1, -2),
    lambda g, y, a, b: a.swapaxes(-1, -2) @ g,
)


def spread(g, y, a, axis=None, keepdims=False):
    """Back through a sum: every entry gets the gradient of its sum."""
    g = g if keepdims or axis is None else np.expand_dims(g, axis)
    return np.broadcast_to(g, a.shape)


def move(f):
    """The operation f that only moves entries: gradients go home, and meet there."""

    def back(g, y, a, *how):
        home = f(np.arange(a.size).reshape(a.shape), *how)
        return np.bincount(home.ravel(), g.ravel(), a.size).reshape(a.shape)

    return operation(f, back)


total = operation(np.sum, spread)
mean = operation(
    np.mean, lambda g, y, a, *o, **s: spread(g * y.size / a.size, y, a, *o, **s)
)
pick, reshape = move(lambda a, index: a[index]), move(np.ndarray.reshape)
transpose = move(np.ndarray.transpose)


def backward(loss):
    """Set `grad` of all tensors of which this one number was made; free the record."""
    if loss.data.size != 1:
        shape = loss.data.shape
        raise ValueError(f"backward needs one number, got shape {shape}: take its mean")
    tensors = history(loss)
    for tensor in tensors:
        tensor.grad = None
    loss.grad = np.ones_like(loss.data)
    while tensors:
        tensor = tensors.pop()
        for parent, way in tensor.parents:
            g = sum_to(way(tensor.grad), parent.data.shape)
            parent.grad = np.asarray(g if parent.grad is None else parent.grad + g)
        tensor.parents = None if tensor.parents else ()


def swapped(f):
    """The same function with its two inputs the other way round."""
    return lambda a, b: f(b, a)


class Tensor:
    """Numbers, `data`, that remember how they were made, and their gradient, `grad`.

    Beside a tensor, numbers and arrays are constants, of which no gradient is computed.
    """

    __array_ufunc__ = None  # array + tensor is left to the tensor
    __add__, __sub__, __mul__, __truediv__ = add, subtract, multiply, divide
    __radd__, __rmul__, __pow__, __matmul__ = add, multiply, power, product
    __rsub__, __rtruediv__, __rmatmul__ = map(swapped, (subtract, divide, product))
    exp, log, tanh, relu, sum, mean = exp, log, tanh, relu, total, mean
    reshape, transpose, __getitem__, backward = reshape, transpose, pick, backward

    def __init__(self, data):
        self.data, self.grad, self.parents, self.depth = value(data), None, (), 0

    def __neg__(self):
        return self * -1
