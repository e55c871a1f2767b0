"""The studies that notebook 08 shows so far; those of study.py will take their place.

python tools/study_08.py comparison    optimizers and schedules, on validation images
python tools/study_08.py ablation      the recipe with one thing changed, on the same
python tools/study_08.py seeds         the recipe on all 60,000, on the test images

Each writes notebooks/results/first_NAME.csv. Every run prints its line as it
ends; with one BLAS thread the same numbers come out again on the same machine.
"""

import csv
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from nbhelpers.datasets import load_fashion_mnist
from nbhelpers.dynamic_network import evaluate
from nbhelpers.fashion_mnist import build, train
from nbhelpers.generalization import split
from nbhelpers.losses import SoftmaxCrossEntropy
from nbhelpers.optimizers import (
    SGD,
    Adam,
    AdamW,
    RMSprop,
    constant,
    cosine,
    warmup_cosine,
)

RESULTS = Path(__file__).parent.parent / "notebooks" / "results"
COMPARED = {  # optimizer and its rate, the better of two or three tried
    "SGD with momentum": (lambda: SGD(0.05, momentum=0.9), 0.05),
    "RMSprop": (lambda: RMSprop(1e-3), 1e-3),
    "Adam": (lambda: Adam(1e-3), 1e-3),
}
SCHEDULES = {"constant": constant, "cosine": cosine}


def trained(rng, data, *, net=None, **options):
    """A network after training, its seconds; the recipe where nothing else is given."""
    network = build(rng, **(net or {}))
    start = time.perf_counter()
    train(data, rng, network=network, **options)
    return network, time.perf_counter() - start


def line(name, seed, network, seconds, held_out):
    """One run as a row: its accuracy is that on the images held out."""
    found = evaluate(network, SoftmaxCrossEntropy(), *held_out)
    return {
        "name": name,
        "seed": seed,
        "parameters": sum(w.size for w in network.params.values()),
        "accuracy": f"{found['accuracy']:.4f}",
        "seconds": f"{seconds:.1f}",
    }


def held_out():
    """The training images without a sixth of them, and that sixth."""
    return split(*load_fashion_mnist()[:2], 1 / 6, np.random.default_rng(0))


def comparison(seeds=range(3)):
    """Three optimizers, two schedules, one network 256-128, 10 epochs, same seeds."""
    train, validation = held_out()
    for name, (make, lr) in COMPARED.items():
        for shape, schedule in SCHEDULES.items():
            for seed in seeds:
                rng = np.random.default_rng(seed)
                parts = SoftmaxCrossEntropy(), make(), schedule(lr)
                net = {"sizes": (784, 256, 128, 10), "dropout": 0.0}
                run = trained(rng, train, epochs=10, net=net, parts=parts)
                yield line(f"{name}, {shape}", seed, *run, validation)


def varied(rng, data, *, smooth=0.1, decay=0.1, schedule=warmup_cosine, **options):
    """As `trained`, with the numbers in the parts of the recipe at hand."""
    parts = SoftmaxCrossEntropy(smooth), AdamW(weight_decay=decay), schedule(2e-3)
    return trained(rng, data, parts=parts, **options)


def ablation(seeds=range(2)):
    """The recipe, and the recipe with one thing changed at a time."""
    train, validation = held_out()
    changes = {
        "the recipe": {},
        "without label smoothing": {"smooth": 0.0},
        "without weight decay": {"decay": 0.0},
        "without centring": {"centre": False},
        "without dropout": {"net": {"dropout": 0.0}},
        "constant rate": {"schedule": constant},
        "256-128 instead of 512-256": {"net": {"sizes": (784, 256, 128, 10)}},
        "10 epochs instead of 25": {"epochs": 10},
    }
    for name, change in changes.items():
        for seed in seeds:
            run = varied(np.random.default_rng(seed), train, **change)
            yield line(name, seed, *run, validation)


def seeds(seeds=range(5)):
    """The recipe on all training images, measured on the test images."""
    x, y, *test = load_fashion_mnist()
    for seed in seeds:
        run = trained(np.random.default_rng(seed), (x, y))
        yield line("the recipe", seed, *run, test)


def main():
    """Run the study named on the command line and store its lines."""
    studies = {study.__name__: study for study in (comparison, ablation, seeds)}
    if len(sys.argv) != 2 or sys.argv[1] not in studies:
        sys.exit(__doc__)
    rows = []
    for row in studies[sys.argv[1]]():
        print(*row.values(), sep="  ", flush=True)
        rows.append(row)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"first_{sys.argv[1]}.csv").open(
        "w", newline="", encoding="utf-8"
    ) as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
