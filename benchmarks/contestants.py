"""One contestant of the race in a process of its own: an epoch for every line it reads.

python contestants.py NAME SIZES THREADS, for instance: nbhelpers 784-128-10 1
Prints "ready", then the seconds of each epoch of 60,000 images, batch 128, float32.
"""

import os
import sys
import time

NAME, SIZES, THREADS = sys.argv[1:]
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = THREADS

import numpy as np  # noqa: E402

from nbhelpers.datasets import load_fashion_mnist  # noqa: E402

SIZES = tuple(int(n) for n in SIZES.split("-"))
BATCH = 128


def with_nbhelpers(x, y):
    """Through the public `fit`, one epoch a call."""
    from nbhelpers.dynamic_network import fit, mlp
    from nbhelpers.losses import SoftmaxCrossEntropy
    from nbhelpers.optimizers import Adam

    rng = np.random.default_rng(0)
    network = mlp(SIZES, rng, dtype=np.float32)
    loss, optimizer = SoftmaxCrossEntropy(), Adam()
    return lambda: fit(
        network, loss, optimizer, (x, y), epochs=1, batch_size=BATCH, rng=rng
    )


def with_pytorch(x, y):
    """Eager, Adam in its fused form, whole batches indexed from one tensor."""
    import torch

    torch.set_num_threads(int(THREADS))
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    layers = []
    for n_in, n_out in zip(SIZES, SIZES[1:], strict=False):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    loss = torch.nn.CrossEntropyLoss()

    def epoch():
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            value = loss(network(x[rows]), y[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

    return epoch


def with_scikit_learn(x, y):
    """MLPClassifier without penalty, one more pass a call."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPClassifier(
        SIZES[1:-1], alpha=0, batch_size=BATCH, max_iter=1, warm_start=True
    )
    return lambda: model.fit(x, y)


def the_floor(x, y):
    """Only the matrix products of the passes, into arrays made beforehand."""
    a = [np.ones((BATCH, n), np.float32) for n in SIZES]
    da = [np.ones((BATCH, n), np.float32) for n in SIZES]
    pairs = list(zip(SIZES, SIZES[1:], strict=False))
    W = [np.ones(pair, np.float32) / pair[0] for pair in pairs]
    dW = [np.empty(pair, np.float32) for pair in pairs]

    def epoch():
        for _ in range(0, len(x), BATCH):
            for i, w in enumerate(W):
                np.matmul(a[i], w, out=a[i + 1])
            for i in reversed(range(len(W))):
                np.matmul(a[i].T, da[i + 1], out=dW[i])
                if i:
                    np.matmul(da[i + 1], W[i].T, out=da[i])

    return epoch


CONTESTANTS = {
    "nbhelpers": with_nbhelpers,
    "pytorch": with_pytorch,
    "scikit-learn": with_scikit_learn,
    "floor": the_floor,
}

if __name__ == "__main__":
    run = CONTESTANTS[NAME](*load_fashion_mnist()[:2])
    run()  # the first epoch warms caches and allocators and does not count
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, flush=True)
