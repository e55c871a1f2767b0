"""Everything together: the network and the recipe for Fashion-MNIST.

Exported from notebooks/08_fashion_mnist.ipynb.
"""

import math

import numpy as np

from nbhelpers.activations import ReLU
from nbhelpers.checks import check_batch, check_data, check_indices, check_mlp
from nbhelpers.dynamic_network import Network, fit
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import AdamW, warmup_cosine


LABELS = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


class Centering:
    """Every input shifted to mean 0 over the training rows, all by one scale to size 1.

    x (n, n_in)    mean (n_in,)    scale: the root mean square of x - mean
    """

    def __init__(self, x):
        self.mean = x.mean(axis=0, dtype=np.float64).astype(x.dtype)
        variance = (x.var(axis=0, dtype=np.float64)).mean()
        self.scale = x.dtype.type(math.sqrt(variance) or 1.0)

    def __call__(self, x):
        return (x - self.mean) / self.scale

    def fold_into(self, network):
        """Let a network trained on centred rows take plain ones, with the same scores.

        (x - mean) / scale W + b = x (W / scale) + (b - mean W / scale)
        """
        first = network.layers[0].params
        first["W"] /= self.scale
        first["b"] -= self.mean @ first["W"]


def build(rng, sizes=(784, 512, 256, 10), dropout=0.2, dtype=np.float32):
    """The network: Dense layers of the given sizes, ReLU and Dropout between them."""
    check_mlp(sizes, ReLU, "build")
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [Dense(n_in, n_out, rng, dtype=dtype), ReLU(), Dropout(dropout, rng)]
    return Network(*layers[:-2])


BATCH_SIZE = 256


def recipe():
    """How it is trained: the loss, the optimizer and the schedule, each new."""
    loss = SoftmaxCrossEntropy(label_smoothing=0.1)
    return loss, AdamW(weight_decay=0.1), warmup_cosine(2e-3)


def train(data, rng, *, epochs=25, validation=None, after_epoch=None):
    """Build the network and train it by the recipe; return it and its history.

    data: x (n, n_in) in [0, 1], y (n,) class indices first; what follows them, such as
    the test images in load_fashion_mnist's four, is not looked at. validation: a pair
    to measure after each epoch, or None. float32; errors as those of `fit`.
    """
    x, y = check_data("train", "data", data[:2], np.float32)
    check_batch("train", x, math.prod(x.shape[1:]))
    check_indices("train", y)
    network = build(rng, (x.shape[1], 512, 256, int(y.max()) + 1))
    centred = Centering(x)
    if validation is not None:
        x_held, y_held = check_data("train", "validation", validation, np.float32)
        check_batch("train", x_held, x.shape[1])
        validation = centred(x_held), y_held
    loss, optimizer, schedule = recipe()
    options = {"schedule": schedule, "after_epoch": after_epoch, "rng": rng}
    options |= {"epochs": epochs, "batch_size": BATCH_SIZE}
    history = fit(network, loss, optimizer, (centred(x), y), validation, **options)
    centred.fold_into(network)
    return network, history
