"""What else costs how much: loading, growth with the arithmetic, extras, checks.

python benchmarks/costs.py [REPEATS]    as `make bench` does; one BLAS thread

What is compared takes turns in one process.  Prints the tables, writes costs.md.
"""

import gzip
import os
import statistics
import sys
import time
from pathlib import Path
from unittest.mock import patch

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

from nbhelpers import guard  # noqa: E402
from nbhelpers.datasets import DATA, load_fashion_mnist  # noqa: E402
from nbhelpers.dynamic_network import Network, fit, mlp  # noqa: E402
from nbhelpers.generalization import Dropout  # noqa: E402
from nbhelpers.layers import Dense  # noqa: E402
from nbhelpers.losses import SoftmaxCrossEntropy  # noqa: E402
from nbhelpers.optimizers import Adam, warmup_cosine  # noqa: E402

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 7


def turns(works, repeats=REPEATS):
    """The median seconds of each function in the dict, taking turns."""
    found = {name: [] for name in works}
    for work in works.values():
        work()  # warms caches and allocators
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            found[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in found.items()}


def table(head, rows):
    """Rows of strings as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def loading():
    """The four files, against decompressing them and nothing else."""
    files = sorted((DATA / "fashion_mnist").glob("*.gz"))
    s = turns(
        {
            "load_fashion_mnist": load_fashion_mnist,
            "gzip alone": lambda: [gzip.decompress(f.read_bytes()) for f in files],
        }
    )
    share = s["load_fashion_mnist"] / s["gzip alone"]
    rows = [[name, f"{value:.2f} s"] for name, value in s.items()]
    return table(["loading", "seconds"], [*rows, ["ratio", f"{share:.2f}"]])


def an_epoch(data, sizes, network=None, loss=None, **options):
    """A function that trains one epoch through `fit`, with whatever is added."""
    rng = np.random.default_rng(0)
    network = network or mlp(sizes, rng, dtype=np.float32)
    loss, optimizer = loss or SoftmaxCrossEntropy(), Adam()
    return lambda: fit(
        network, loss, optimizer, data, epochs=1, batch_size=128, rng=rng, **options
    )


def multiplications(sizes):
    """Multiplications of forward, dW and, but for the first layer, dx, for a sample."""
    products = [n_in * n_out for n_in, n_out in zip(sizes, sizes[1:], strict=False)]
    return 3 * sum(products) - products[0]


def growth(x, y):
    """Epoch time against the number of samples, the width and the depth."""
    samples = (6_000, 12_000, 24_000, 60_000)
    s = turns({n: an_epoch((x[:n], y[:n]), (784, 128, 10)) for n in samples})
    least = s[samples[0]] / samples[0]
    rows = [[f"{n:,}", f"{t:.3f} s", f"{t / n / least:.2f}"] for n, t in s.items()]
    text = table(["samples", "an epoch", "per sample, to the first"], rows) + "\n"
    shapes = [(784, width, 10) for width in (32, 64, 128, 256, 512)]
    shapes += [(784, *[128] * depth, 10) for depth in (2, 4, 8)]
    s = turns({sizes: an_epoch((x[:12_000], y[:12_000]), sizes) for sizes in shapes})
    rows = [
        [
            "-".join(map(str, sizes)),
            f"{multiplications(sizes) / 1e3:,.0f}",
            f"{1e6 * t / 12_000:.1f}",
            f"{multiplications(sizes) * 12_000 / t / 1e9:.0f}",
        ]
        for sizes, t in s.items()
    ]
    head = [
        "network",
        "thousand products a sample",
        "microseconds",
        "billions a second",
    ]
    return text + table(head, rows)


def extras(x, y, x_test, y_test):
    """What each addition costs, as a share of a plain epoch of 784-128-10."""
    sizes, rng = (784, 128, 10), np.random.default_rng(0)
    first, bend, last = mlp(sizes, rng, dtype=np.float32).layers
    dropped = Network(first, bend, Dropout(0.2, rng), last)
    plain = an_epoch((x, y), sizes)

    def without_borders():
        with (
            patch.object(Dense, "predict", Dense.predict.__wrapped__),
            patch.object(
                SoftmaxCrossEntropy, "forward", SoftmaxCrossEntropy.forward.__wrapped__
            ),
        ):
            plain()

    def without_looking_for_nan():
        with patch.object(guard, "check_finite", lambda *given: None):
            plain()

    s = turns(
        {
            "plain": plain,
            "dropout 0.2": an_epoch((x, y), sizes, dropped),
            "label smoothing": an_epoch((x, y), sizes, loss=SoftmaxCrossEntropy(0.1)),
            "schedule": an_epoch((x, y), sizes, schedule=warmup_cosine(1e-3)),
            "validation on 10,000": an_epoch(
                (x, y), sizes, validation=(x_test, y_test)
            ),
            "of it, the borders of every batch": without_borders,
            "of it, the search for NaN, once": without_looking_for_nan,
        }
    )
    rows = []
    for name, t in s.items():
        share = 100 * (t / s["plain"] - 1)
        if name.startswith("of it"):
            rows.append([name, f"{-share:.1f} %"])
        elif name != "plain":
            rows.append([name, f"{share:+.1f} %"])
    return table(["addition", "of an epoch"], rows)


if __name__ == "__main__":
    x, y, x_test, y_test = load_fashion_mnist()
    text = f"Medians of {REPEATS}, one thread.\n\n"
    for part in (loading(), growth(x, y), extras(x, y, x_test, y_test)):
        print(part, flush=True)
        text += part + "\n"
    Path(__file__).with_name("costs.md").write_text(text, encoding="utf-8")
