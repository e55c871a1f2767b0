"""Everything together: the network and the recipe for Fashion-MNIST.

Exported from notebooks/08_fashion_mnist.ipynb.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from nbhelpers.activations import ReLU
from nbhelpers.border import border
from nbhelpers.dynamic_network import Network, fit
from nbhelpers.generalization import Dropout
from nbhelpers.guard import labelled_rows
from nbhelpers.layers import Dense
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import AdamW, warmup_cosine


LABELS = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip


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


@border(sizes="layer sizes")
def build(
    rng: np.random.Generator, sizes=(784, 512, 256, 10), dropout: float = 0.2,
    dtype=np.float32,
) -> Network:  # fmt: skip
    """The network: Dense layers of the given sizes, ReLU and Dropout between them."""
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [Dense(n_in, n_out, rng, dtype=dtype), ReLU(), Dropout(dropout, rng)]
    return Network(*layers[:-2])


BATCH_SIZE = 256


def recipe():
    """A new loss, optimizer and schedule for the finished network."""
    loss = SoftmaxCrossEntropy(label_smoothing=0.1)
    return loss, AdamW(weight_decay=0.1), warmup_cosine(2e-3)


@border(labelled_rows)
def train(
    data, rng: np.random.Generator, *, epochs: int = 25, validation=None,
    after_epoch: Callable | None = None, network=None, parts=None, centre: bool = True,
    history: dict | None = None,
):  # fmt: skip
    """Build the network and train it by the recipe; return it and its history.

    data: x (n, n_in) in [0, 1], y (n,) class indices first; what follows them, such as
    the test images in load_fashion_mnist's four, is not looked at. validation: a pair
    to measure after each epoch, or None. float32; errors as those of `fit`.
    To continue, give the network as `after_epoch` last saw it, the parts (loss,
    optimizer, schedule) with its optimizer, the history, and the generator as rng.
    centre: whether the inputs are centred, which is folded into the network at the end.
    """
    x, y = data
    network = network or build(rng, (x.shape[1], 512, 256, int(y.max()) + 1))
    loss, optimizer, schedule = parts or recipe()
    if centre:
        centred = Centering(x)
        x = centred(x)
        validation = validation and (centred(validation[0]), validation[1])
    history = fit(
        network, loss, optimizer, (x, y), validation, epochs=epochs, rng=rng,
        batch_size=BATCH_SIZE, schedule=schedule, after_epoch=after_epoch,
        history=history,
    )  # fmt: skip
    if centre:
        centred.fold_into(network)
    return network, history
