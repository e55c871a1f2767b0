"""Everything together: the network and the recipe for Fashion-MNIST.

Exported from notebooks/08_fashion_mnist.ipynb.
"""

import numpy as np

from nbhelpers.activations import ReLU
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

BATCH_SIZE = 256


def build(rng, sizes=(784, 512, 256, 10), dropout=0.2, dtype=np.float32):
    """The network: Dense layers of the given sizes, ReLU and Dropout between them."""
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [Dense(n_in, n_out, rng, dtype=dtype), ReLU(), Dropout(dropout, rng)]
    return Network(*layers[:-2])


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
    x, y = data[:2]
    network = build(rng, (x.shape[1], 512, 256, int(max(y)) + 1))
    loss, optimizer, schedule = recipe()
    history = fit(
        network,
        loss,
        optimizer,
        (x, y),
        validation,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        rng=rng,
        schedule=schedule,
        after_epoch=after_epoch,
    )
    return network, history
