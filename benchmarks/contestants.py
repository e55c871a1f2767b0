"""One contestant of the race, in a process of its own, that works when it is told to.

python contestants.py NAME SIZES THREADS, for instance: nbhelpers 784-128-10 1

Prints "built" once the data are loaded and the network stands, and "ready" after a
first epoch that does not count.  Then answers each line it reads with a number:
"epoch"    seconds of an epoch of 60,000 images, batch 128, float32, Adam
"predict"  seconds of the scores of 10,000 images
"memory"   the most memory the process has held, in bytes
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


def with_nbhelpers(x, y, x_test):
    """Through the public `fit`, one epoch a call."""
    from nbhelpers.dynamic_network import fit, mlp
    from nbhelpers.losses import SoftmaxCrossEntropy
    from nbhelpers.optimizers import Adam

    rng = np.random.default_rng(0)
    network = mlp(SIZES, rng, dtype=np.float32)
    loss, optimizer = SoftmaxCrossEntropy(), Adam()

    def epoch():
        fit(network, loss, optimizer, (x, y), epochs=1, batch_size=BATCH, rng=rng)

    return epoch, lambda: network.predict(x_test)


def with_pytorch(x, y, x_test):
    """Eager, Adam in its fused form, whole batches indexed from one tensor."""
    import torch

    torch.set_num_threads(int(THREADS))
    x, y, x_test = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(x_test)
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

    @torch.inference_mode()
    def predict():
        network(x_test)

    return epoch, predict


def with_scikit_learn(x, y, x_test):
    """MLPClassifier without penalty, one more pass a call."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPClassifier(
        SIZES[1:-1], alpha=0, batch_size=BATCH, max_iter=1, warm_start=True
    )
    return lambda: model.fit(x, y), lambda: model.predict_proba(x_test)


def the_floor(x, y, x_test):
    """Only the matrix products of the passes, into arrays made beforehand."""
    a = [np.ones((BATCH, n), np.float32) for n in SIZES]
    da = [np.ones((BATCH, n), np.float32) for n in SIZES]
    pairs = list(zip(SIZES, SIZES[1:], strict=False))
    W = [np.full(pair, 1 / pair[0], np.float32) for pair in pairs]
    dW = [np.empty(pair, np.float32) for pair in pairs]
    out = [np.empty((len(x_test), n), np.float32) for n in SIZES[1:]]

    def epoch():
        for _ in range(0, len(x), BATCH):
            for i, w in enumerate(W):
                np.matmul(a[i], w, out=a[i + 1])
            for i in reversed(range(len(W))):
                np.matmul(a[i].T, da[i + 1], out=dW[i])
                if i:
                    np.matmul(da[i + 1], W[i].T, out=da[i])

    def predict():
        for before, w, after in zip([x_test, *out], W, out, strict=False):
            np.matmul(before, w, out=after)

    return epoch, predict


def memory():
    """The most memory this process has held, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def seconds(work):
    """How long `work` takes, by a clock that does not jump."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


CONTESTANTS = {
    "nbhelpers": with_nbhelpers,
    "PyTorch": with_pytorch,
    "scikit-learn": with_scikit_learn,
    "products": the_floor,
}

if __name__ == "__main__":
    x, y, x_test, _ = load_fashion_mnist()
    epoch, predict = CONTESTANTS[NAME](x, y, x_test)
    print("built", flush=True)
    epoch()  # warms caches and allocators
    print("ready", flush=True)
    answers = {
        "epoch": lambda: seconds(epoch),
        "predict": lambda: seconds(predict),
        "memory": memory,
    }
    for line in sys.stdin:
        print(answers[line.strip()](), flush=True)
