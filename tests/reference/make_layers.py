"""Make layers.json: what PyTorch 2.13 computes for activations and losses, in float64.

pip install torch==2.13.0, then: python tests/reference/make_layers.py
"""

import json
from pathlib import Path

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
X = [[-3.0, -0.75, 0.25], [1.5, 4.0, -0.1], [20.0, -20.0, 0.6], [0.9, 0.8, -6.0]]
DY = [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0], [2.0, 1.5, -0.5], [-1.0, 0.75, 4.0]]
CLASSES = [2, 0, 0, 1]
SHARES = [[0.0, 1.0, 0.5], [1.0, 0.25, 0.0], [1.0, 0.0, 1.0], [0.75, 1.0, 0.1]]

activations = {
    "ReLU": F.relu,
    "LeakyReLU": lambda x: F.leaky_relu(x, 0.01),
    "ELU": F.elu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Softmax": lambda x: F.softmax(x, dim=1),
    "Softplus": lambda x: F.softplus(x, threshold=1000),
    "SiLU": F.silu,
    "GELU": lambda x: F.gelu(x, approximate="tanh"),
}
shares, classes = torch.tensor(SHARES), torch.tensor(CLASSES)
losses = {
    "MeanSquaredError": lambda x: F.mse_loss(x, shares),
    "MeanAbsoluteError": lambda x: F.l1_loss(x, shares),
    "Huber": lambda x: F.huber_loss(x, shares),
    "SoftmaxCrossEntropy": lambda x: F.cross_entropy(x, classes),
    "smoothed": lambda x: F.cross_entropy(x, classes, label_smoothing=0.1),
    "SigmoidBinaryCrossEntropy": lambda x: F.binary_cross_entropy_with_logits(
        x, shares
    ),
}


def both(f, dy=None):
    """Value and gradient of f at X."""
    x = torch.tensor(X, requires_grad=True)
    y = f(x)
    y.backward(dy)
    return {"value": y.tolist(), "gradient": x.grad.tolist()}


found = {
    "x": X,
    "dy": DY,
    "classes": CLASSES,
    "shares": SHARES,
    "activations": {n: both(f, torch.tensor(DY)) for n, f in activations.items()},
    "losses": {n: both(f) for n, f in losses.items()},
}
target = Path(__file__).with_name("layers.json")
target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
