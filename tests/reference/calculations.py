"""Calculations that mean the same for tensors of PyTorch and of `beyond.autograd`.

make_autograd.py stores what PyTorch finds, and test_autograd.py compares.
"""

INPUTS = {
    "x": [[-1.5, 0.25, 2.0], [0.75, -0.5, 1.25]],
    "w": [[0.5, -1.0], [2.0, 0.1], [-0.3, 0.7]],
    "b": [0.4, -0.2],
    "p": [[0.2, 1.5, 0.9], [2.5, 0.6, 0.1]],
}
CALCULATIONS = {
    "add": lambda x, w, b, p: x @ w + b + 1,
    "subtract": lambda x, w, b, p: 2 - (x - p) - 0.5,
    "multiply": lambda x, w, b, p: 3 * x * p * x,
    "divide": lambda x, w, b, p: x / p + 1 / p / 2,
    "power": lambda x, w, b, p: x**3 + p**-0.5 + x**0,
    "negative": lambda x, w, b, p: -(x * x),
    "product": lambda x, w, b, p: x @ w @ x,
    "stack": lambda x, w, b, p: x.reshape(2, 1, 3) @ w,
    "sum": lambda x, w, b, p: x.sum() * p,
    "sum over rows": lambda x, w, b, p: p * x.sum(axis=0),
    "mean": lambda x, w, b, p: x.mean() * x.mean(axis=1, keepdims=True),
    "exp": lambda x, w, b, p: (x @ w).exp(),
    "log": lambda x, w, b, p: p.log() * x,
    "tanh": lambda x, w, b, p: (x @ w + b).tanh(),
    "relu": lambda x, w, b, p: (x @ w + b).relu() * b,
    "relu at 0": lambda x, w, b, p: (x - x).relu() + x,
    "reshape": lambda x, w, b, p: x.reshape(3, 2) * w,
    "rows": lambda x, w, b, p: w[[0, 2, 0]] * 2,
    "entries": lambda x, w, b, p: x[[0, 1, 1], [2, 0, 0]].exp(),
    "softmax": lambda x, w, b, p: x.exp() / x.exp().sum(axis=1, keepdims=True),
    "skip": lambda x, w, b, p: x + (x @ w).tanh() @ x,
}
