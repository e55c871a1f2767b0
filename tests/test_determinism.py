"""The same seed gives the same numbers: to the bit on one machine with one thread.

Two threads of the matrix library may add in another order. CONTRIBUTING.md says how
much that was found to change; here stands only that a loss stays within a bound.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

TRAIN = """
import sys
import numpy as np
from nbhelpers.activations import ReLU
from nbhelpers.datasets import DATA, load_fashion_mnist
from nbhelpers.dynamic_network import Network, evaluate, fit
from nbhelpers.generalization import Dropout
from nbhelpers.layers import Dense
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import Adam, cosine

_, _, x, y = load_fashion_mnist()
x, y = x[:5000], y[:5000]
rng, dtype = np.random.default_rng(0), np.dtype(sys.argv[2])
layers = Dense(784, 128, rng, dtype=dtype), ReLU(), Dropout(0.2, rng)
network = Network(*layers, Dense(128, 10, rng, dtype=dtype))
history = fit(
    network, SoftmaxCrossEntropy(), Adam(), (x, y), epochs=1, rng=rng,
    schedule=cosine(1e-3),
)
measured = evaluate(network, SoftmaxCrossEntropy(), x, y)
np.savez(sys.argv[1], **network.params, loss=measured["loss"])
"""
LIBRARIES = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"


def run(path, dtype, threads):
    """All that an epoch on 5,000 images leaves behind, in a process of its own."""
    several = dict.fromkeys((*LIBRARIES, "VECLIB_MAXIMUM_THREADS"), str(threads))
    command = [sys.executable, "-c", TRAIN, str(path), dtype]
    subprocess.run(command, env=os.environ | several, check=True)
    return dict(np.load(path))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits(tmp_path, dtype):
    one, two = (run(tmp_path / f"{k}.npz", dtype, threads=1) for k in "ab")
    assert list(one) == ["0.W", "0.b", "3.W", "3.b", "loss"]
    for name, array in one.items():
        assert array.tobytes() == two[name].tobytes(), name


def test_two_threads_give_nearly_the_same(tmp_path):
    one, two = (run(tmp_path / f"{k}.npz", "float32", threads=k) for k in (1, 2))
    assert float(one["loss"]) == pytest.approx(float(two["loss"]), rel=1e-5)
