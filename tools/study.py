"""Train many networks and store a line for each, for notebooks 07 and 08 to show.

python tools/study.py search        the best rate of each contestant of the next two
python tools/study.py ablation      the recipe of notebook 08 with one thing changed
python tools/study.py comparison    four optimizers, two schedules, each at its best
python tools/study.py learning      MNIST from 100 to 50,000 images; cures at 1,000
python tools/study.py choice        MNIST: width, rate and epochs from twenty draws
python tools/study.py helps         what raises the accuracy of the recipe
python tools/study.py seeds         the recipe on all 60,000, on the test images
python tools/study.py report        the tables, with their intervals

Each appends to notebooks/results/NAME.csv the lines that are not there yet, so that a
study that was stopped goes on. All but `seeds` are measured on 10,000 of the 60,000
images for training, held out. "train" and "accuracy" are the shares of right answers
on the images trained on and held out, "losses" those on the latter after each epoch,
where they were measured, and "seconds" the processor's, with that measuring.
"""

import contextlib
import csv
import math
import os
import sys
import time
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.stats
from numpy.lib.stride_tricks import sliding_window_view

from nbhelpers import checkpoint
from nbhelpers.datasets import load_fashion_mnist, load_mnist
from nbhelpers.dynamic_network import evaluate, fit
from nbhelpers.fashion_mnist import BATCH_SIZE, Centering, build
from nbhelpers.generalization import EarlyStopping, accuracy, split
from nbhelpers.guard import Diverged
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
from nbhelpers.single_pass import softmax

RESULTS = Path(__file__).parent.parent / "notebooks" / "results"
NETWORKS = RESULTS.parent.parent / "runs" / "study"
SEEDS, SEARCH_SEED = range(5), 5  # no run that chose anything is counted again

RECIPE = {  # as in notebook 08; `trained` of itself is plain
    "dropout": 0.2, "smoothing": 0.1, "optimizer": partial(AdamW, weight_decay=0.1),
    "schedule": warmup_cosine, "rate": 2e-3,
}  # fmt: skip
SMALL = {"sizes": (784, 256, 128, 10), "epochs": 10}  # for the comparison
RATES = [float(f"{n}e{power}") for power in range(-6, 1) for n in (1, 2, 5)]
OPTIMIZERS = {  # with the rate at which the search begins
    "SGD with momentum": (partial(SGD, momentum=0.9), 5e-2),
    "RMSprop": (RMSprop, 5e-4),
    "Adam": (Adam, 1e-3),
    "AdamW": (partial(AdamW, weight_decay=0.1), 1e-3),
}


def trained(
    data, held_out, seed, *, sizes=(784, 512, 256, 10), dropout=0.0, smoothing=0.0,
    optimizer=Adam, schedule=cosine, rate=1e-3, epochs=25, batch_size=BATCH_SIZE,
    centre=True, vary=None, watch=False, patience=None,
):  # fmt: skip
    """A network after training, for plain images, and what was measured.

    vary: changes the images x, given x and a generator, anew for each epoch
    patience: of the early stopping, if there is any    watch: whether to keep losses
    """
    rng = np.random.default_rng(seed)
    network = build(rng, sizes, dropout)
    centred = Centering(data[0]) if centre else np.asarray
    stopping, losses = EarlyStopping(patience or epochs), []
    watched = centred(held_out[0]), held_out[1]

    def stop(network, history):
        if watch or patience:
            loss = evaluate(network, SoftmaxCrossEntropy(), *watched)["loss"]
            losses.append(loss)
        stopped = patience and stopping(network, {"validation_loss": losses})
        return stopped or vary

    settings = {
        "loss": SoftmaxCrossEntropy(smoothing), "optimizer": optimizer(rate),
        "schedule": schedule(rate), "epochs": epochs, "batch_size": batch_size,
        "rng": rng, "after_epoch": stop,
    }  # fmt: skip
    start, history = time.process_time(), {}
    with contextlib.suppress(Diverged):  # it counts as it was after the epoch before
        for _ in range(epochs if vary else 1):
            x = vary(data[0], rng) if vary else data[0]
            pair = centred(x), data[1]
            history = fit(network, train=pair, history=history, **settings)
    seconds = time.process_time() - start
    if patience:
        stopping.restore(network)
    if centre:
        centred.fold_into(network)
    train, held = (
        evaluate(network, SoftmaxCrossEntropy(), *pair)["accuracy"]
        for pair in (data, held_out)
    )
    return network, {
        "parameters": sum(w.size for w in network.params.values()),
        "train": f"{train:.4f}",
        "accuracy": f"{held:.4f}",
        "seconds": f"{seconds:.1f}",
        "losses": " ".join(f"{loss:.4f}" for loss in losses),
    }


@cache
def parted(load):
    """The training images without a sixth of them, and that sixth."""
    return split(*load()[:2], 1 / 6, np.random.default_rng(0))


def clothes(seed, **options):
    """`trained` on Fashion-MNIST."""
    return trained(*parted(load_fashion_mnist), seed, **options)


# ------------------------------------------------- optimizers, and parts of the recipe


def contestants():
    """Name, options and first rate of each for which a rate is searched."""
    for shape, schedule in {"constant": constant, "cosine": cosine}.items():
        for name, (optimizer, rate) in OPTIMIZERS.items():
            parts = {"optimizer": optimizer, "schedule": schedule}
            yield f"{name}, {shape}", SMALL | parts, rate
    yield "constant rate", RECIPE | {"schedule": constant}, 5e-4


def best_rate(name):
    """The rate with which the search has found the highest accuracy."""
    found = [row for row in stored("search") if row["name"] == name]
    return float(max(found, key=lambda row: float(row["accuracy"]))["rate"])


def search():
    """Rates for each, until the best has a worse one on either side."""
    for name, options, rate in contestants():
        tried = None
        while rate != tried:
            tried, place = rate, RATES.index(rate)
            for rate in RATES[place - 1 : place + 2]:
                label = {"name": name, "rate": rate, "seed": SEARCH_SEED}
                yield label, partial(clothes, **options | {"rate": rate})
            rate = best_rate(name)


def ablation():
    """The recipe, the recipe with one thing changed, and nothing of it at all."""
    no_dropout, no_smoothing = {"dropout": 0.0}, {"smoothing": 0.0}
    no_decay = {"optimizer": Adam}
    changes = {
        "the recipe": {},
        "without these three": no_dropout | no_smoothing | no_decay,
        "without warm-up": {"schedule": cosine},
        "without label smoothing": no_smoothing,
        "without weight decay": no_decay,
        "without dropout": no_dropout,
        "without centring": {"centre": False},
        "256-128 instead of 512-256": {"sizes": (784, 256, 128, 10)},
        "10 epochs instead of 25": {"epochs": 10},
        "constant rate": {"schedule": constant, "rate": best_rate("constant rate")},
    }
    runs = {"nothing but width, epochs and cosine": {}}
    runs |= {name: RECIPE | change for name, change in changes.items()}
    for name, options in runs.items():
        for seed in SEEDS:
            yield {"name": name, "seed": seed}, partial(clothes, **options)


def comparison():
    """Four optimizers with two schedules, each at its best rate."""
    for name, options, _ in contestants():
        if options.items() >= SMALL.items():
            options = options | {"rate": best_rate(name), "watch": True}
            for seed in SEEDS:
                label = {"name": name, "rate": options["rate"], "seed": seed}
                yield label, partial(clothes, **options)


# ------------------------------------------------- MNIST, for notebook 07


def digits(seed, n=50_000, **options):
    """`trained` on n of the images of MNIST, other ones for each seed where n < 50,000.

    784-128-10, 20 epochs of 50 images a step, or 2,000 steps where that is more.
    """
    (x, y), held_out = parted(load_mnist)
    rows = slice(n * seed, n * seed + n) if n < len(y) else slice(None)
    settings = {
        "sizes": (784, 128, 10), "epochs": max(20, 2000 * 50 // n), "batch_size": 50,
        "centre": False,
    }  # fmt: skip
    return trained((x[rows], y[rows]), held_out, seed, **settings | options)


def learning():
    """From 100 to 50,000 images, and at 1,000 what keeps a network from memorising."""
    for n in (100, 300, 1000, 3000, 10_000, 50_000):
        for seed in SEEDS[: 3 if n == 50_000 else 5]:
            label = {"name": "images alone", "images": n, "seed": seed}
            yield label, partial(digits, n=n)
    cures = {f"dropout {rate}": {"dropout": rate} for rate in (0.2, 0.5, 0.8)}
    for decay in (0.3, 1, 3):
        optimizer = partial(AdamW, weight_decay=decay)
        cures[f"weight decay {decay}"] = {"optimizer": optimizer}
    cures["early stopping"] = {"patience": 10, "schedule": constant}
    cures["shifted by a pixel"] = {"vary": shifted}
    for name, options in cures.items():
        for seed in SEEDS:
            label = {"name": name, "images": 1000, "seed": seed}
            yield label, partial(digits, n=1000, **options)


def choice():
    """Twenty draws of width, rate and epochs, and the best of them beside a guess."""
    rng = np.random.default_rng(0)
    draws = [(128, 1e-3, 10)]
    for _ in range(20):
        width, rate = 2 ** rng.uniform(5, 8), 10 ** rng.uniform(-4, -2)
        draws.append((round(width), float(f"{rate:.1e}"), int(rng.integers(3, 16))))

    def told(name, seed, width, rate, epochs):
        label = {"name": name, "width": width, "rate": rate, "epochs": epochs}
        options = {"sizes": (784, width, 10), "rate": rate, "epochs": epochs}
        return label | {"seed": seed}, partial(digits, batch_size=128, **options)

    for draw in draws[1:]:
        yield told("a draw", SEARCH_SEED, *draw)
    drawn = [row for row in stored("choice") if row["name"] == "a draw"]
    best = max(drawn, key=lambda row: float(row["accuracy"]))
    best = [float(best[key]) for key in ("width", "rate", "epochs")]
    chosen = next(draw for draw in draws if [*draw] == best)
    for seed in SEEDS:
        yield told("the guess", seed, *draws[0])
        yield told("the best draw", seed, *chosen)


# ------------------------------------------------- more than the recipe


def flipped(x, rng):
    """Half of the images in a mirror."""
    x, some = x.reshape(-1, 28, 28).copy(), rng.random(len(x)) < 0.5
    x[some] = x[some, :, ::-1]
    return x.reshape(len(x), -1)


def shifted(x, rng):
    """Every image moved by -1, 0 or 1 pixel in each direction."""
    wide = np.pad(x.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    views = sliding_window_view(wide, (28, 28), axis=(1, 2))
    down, right = rng.integers(0, 3, (2, len(x)))
    return views[np.arange(len(x)), down, right].reshape(len(x), -1)


def helps():
    """The recipe with something more."""
    wide = {"sizes": (784, 1024, 512, 10)}
    more = {
        "flips": {"vary": flipped},
        "shifts": {"vary": shifted},
        "1024-512": wide,
        "50 epochs": {"epochs": 50},
        "rate 1e-3": {"rate": 1e-3},
        "rate 4e-3": {"rate": 4e-3},
        "batches of 128": {"batch_size": 128},
        "dropout 0.4": {"dropout": 0.4},
        "flips, 1024-512": wide | {"vary": flipped},
    }
    for seed in SEEDS[:2]:
        for name, change in more.items():
            yield {"name": name, "seed": seed}, partial(clothes, **RECIPE | change)


def seeds():
    """The recipe on all 60,000 images, measured on the images for testing."""
    for seed in SEEDS:
        yield {"name": "the recipe", "seed": seed}, finished
    yield {"name": "the five together", "seed": "all"}, together


def finished(seed):
    """The recipe trained on every image, and kept; what it is on the test images."""
    x, y, *test = load_fashion_mnist()
    network, found = trained((x, y), test, seed, **RECIPE)
    NETWORKS.mkdir(parents=True, exist_ok=True)
    checkpoint.save(NETWORKS / f"{seed}.npz", network)
    return network, found


def together(_):
    """The mean of the probabilities that the five kept networks give."""
    *_, x, y = load_fashion_mnist()
    networks = [checkpoint.load(NETWORKS / f"{seed}.npz") for seed in SEEDS]
    mean = np.mean([softmax(network.predict(x)) for network in networks], axis=0)
    right = accuracy(y, mean.argmax(axis=1))
    return networks, {
        "parameters": sum(w.size for one in networks for w in one.params.values()),
        "train": "", "accuracy": f"{right:.4f}", "seconds": "", "losses": "",
    }  # fmt: skip


# ------------------------------------------------- storing


def stored(name):
    """The lines of a study, as dicts of text."""
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(study):
    """Train what the study asks for and has not stored, and append its lines."""
    name = study.__name__
    for label, train in study():
        wanted = {key: str(value) for key, value in label.items()}
        rows = stored(name)
        if any(wanted.items() <= row.items() for row in rows):
            continue
        _, found = train(label["seed"])
        row = wanted | found
        print(name, *row.values(), sep="  ", flush=True)
        with (RESULTS / f"{name}.csv").open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if not rows:
                writer.writeheader()
            writer.writerow(row)


def report(rows, control):
    """Print mean accuracies, and how far each is from the control's, in points.

    A difference is that of runs with the same seed, with the 95 % interval of its mean
    by Student's t, and Holm's p, which allows for the number of differences in a table.
    """
    runs = {}
    for row in rows:
        runs.setdefault(row["name"], {})[row["seed"]] = 100 * float(row["accuracy"])
    base, gaps = runs.pop(control, {}), {}
    for name, found in runs.items():
        gaps[name] = [found[seed] - base[seed] for seed in found.keys() & base.keys()]
    if not gaps:
        return
    p = holm(
        {name: scipy.stats.ttest_1samp(gap, 0).pvalue for name, gap in gaps.items()}
    )
    print(f"\n{control:45} {np.mean(list(base.values())):.2f}  over {len(base)} seeds")
    for name, gap in gaps.items():
        mean, half = np.mean(gap), half_width(gap)
        print(f"{name:45} {mean:+.2f} +- {half:.2f}  p {p[name]:.3f}  of {len(gap)}")


def half_width(numbers):
    """Half of the 95 % interval of the mean, by Student's t."""
    n = len(numbers)
    return scipy.stats.t.ppf(0.975, n - 1) * np.std(numbers, ddof=1) / math.sqrt(n)


def holm(p):
    """Each p, times the number of p that are no smaller; never falling, at most 1."""
    corrected, last = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.get)):
        last = corrected[name] = max(last, min(1.0, (len(p) - rank) * p[name]))
    return corrected


STUDIES = {
    study.__name__: study
    for study in (search, ablation, comparison, learning, choice, helps, seeds)
}

if __name__ == "__main__":
    names = sys.argv[1:]
    if names == ["report"]:
        recipe = [row for row in stored("ablation") if row["name"] == "the recipe"]
        report(stored("ablation"), "the recipe")
        report(recipe + stored("helps"), "the recipe")
        report(stored("comparison"), "Adam, cosine")
        thousand = [row for row in stored("learning") if row["images"] == "1000"]
        report(thousand, "images alone")
        report(
            [row for row in stored("choice") if row["name"] != "a draw"], "the guess"
        )
    elif names and STUDIES.keys() >= set(names):
        for name in names:
            run(STUDIES[name])
    else:
        sys.exit(__doc__)
