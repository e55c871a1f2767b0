"""python -m nbhelpers: train the finished network and keep what comes of it.

Knows everything; nothing imports it.
"""

import argparse
import json
import math
import sys
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from nbhelpers import checkpoint, figures
from nbhelpers.datasets import DATA, load_idx_folder
from nbhelpers.fashion_mnist import LABELS, recipe, train
from nbhelpers.generalization import confusion_matrix, report, split
from nbhelpers.single_pass import softmax

KNOWN = {"fashion_mnist": LABELS, "mnist": [str(digit) for digit in range(10)]}
COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "validation_loss": "val. loss",
    "validation_accuracy": "val. acc.",
}
HELD_OUT = 1 / 12  # of the training images, for validation


def main(argv: list[str] | None = None) -> int:
    """Train and report; returns the exit code, 1 with one sentence for what failed."""
    options = parse(argv)
    plt.switch_backend("agg")  # the pictures go to files, no window is needed
    try:
        run(options)
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; with --resume, an option not given is None."""
    parser = argparse.ArgumentParser(
        prog="python -m nbhelpers",
        description="Train the network of notebook 08, measure it on the test images, "
        "and write the network, its history and pictures to a folder.",
        epilog="Ctrl-C ends the training after the last whole epoch. The same command "
        "with --resume continues from there.",
    )
    known = ", ".join(KNOWN)
    add = parser.add_argument
    add("--data", default="fashion_mnist", help=f"{known}, or a folder of IDX files")
    add("--epochs", type=count, help="how often to see all images (25)")
    add("--seed", type=int, help="of the split, weights, order and dropout (0)")
    add("--output", type=Path, help="folder for the results (runs/DATA)")
    add("--resume", action="store_true", help="continue the training in --output")
    options = parser.parse_args(argv)
    options.output = options.output or Path("runs") / Path(options.data).name
    if not options.resume:
        options.epochs, options.seed = options.epochs or 25, options.seed or 0
    return options


def count(text: str) -> int:
    """A whole number of at least 1, or argparse's error."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def run(options: argparse.Namespace):
    """Load, train, measure, write."""
    known, output = options.data in KNOWN, options.output
    folder = DATA / options.data if known else options.data
    x, y, x_test, y_test = load_idx_folder(folder)
    names = KNOWN[options.data] if known else [str(k) for k in range(y.max() + 1)]

    network, history = trained(x, y, options)
    checkpoint.save(output / "network.npz", network, history=history)
    scores = network.predict(x_test)
    results = report(y_test, scores.argmax(axis=1), names)
    texts = {"history.json": json.dumps(history, indent=1), "report.txt": results}
    for name, text in texts.items():
        (output / name).write_text(text + "\n", encoding="utf-8")
    drawn = draw(output, history, x_test, y_test, scores, names)

    print(f"\nOn the {len(y_test):,} test images, which took no part in training:\n")
    print(results)
    print(f"\nWritten to {output}: network.npz training.npz history.json")
    print("report.txt", *drawn)


def trained(x, y, options: argparse.Namespace) -> tuple:
    """Network and history; each epoch is saved, so that --resume can continue."""
    saved = options.output / "training.npz"
    about = {"seed": options.seed, "epochs": options.epochs, "held_out": HELD_OUT}
    about["data"] = zlib.crc32(y, zlib.crc32(x))
    loss, optimizer, schedule = recipe()
    if options.resume:
        about = same_training(checkpoint.read_about(saved), about)
        network, optimizer, history, rng = checkpoint.resume(saved)
    else:
        network, history, rng = None, {}, np.random.default_rng(about["seed"])
    rows, held_out = split(x, y, HELD_OUT, np.random.default_rng(about["seed"]))
    options.output.mkdir(parents=True, exist_ok=True)

    print(f"{len(rows[0]):,} images to train on, {len(held_out[0]):,} to validate")
    keep = partial(checkpoint.save, saved, optimizer=optimizer, rng=rng, about=about)
    with table(about["epochs"], len(history.get("loss", []))) as add_row:

        def after_epoch(network, history):
            keep(network, history=history)
            add_row(history)

        return train(
            rows,
            rng,
            epochs=about["epochs"],
            validation=held_out,
            after_epoch=after_epoch,
            network=network,
            parts=(loss, optimizer, schedule),
            history=history,
        )


def same_training(saved: dict, asked: dict) -> dict:
    """What a saved training is of; ValueError where the command asks for another."""
    if saved.get("data") != asked["data"]:
        raise ValueError("--resume: the saved training is of other images; see --data")
    for name, value in asked.items():
        if value not in (None, saved[name]):
            raise ValueError(
                f"--resume: the saved training has {name} {saved[name]}, not {value}; "
                f"leave --{name} out, or train anew into another --output"
            )
    return saved


@contextmanager
def table(epochs: int, done: int):
    """A function that prints the last epoch as a row; in a terminal, a bar below."""
    print("epoch " + "".join(f"{title:>11}" for title in COLUMNS.values()), flush=True)
    with tqdm(total=epochs, initial=done, unit="epoch", disable=None) as bar:

        def add_row(history):
            row = "".join(f"{history[name][-1]:11.4f}" for name in COLUMNS)
            tqdm.write(f"{len(history['loss']):5d} {row}")
            sys.stdout.flush()
            bar.update()

        yield add_row


def draw(folder: Path, history, x, y, scores, names) -> list[str]:
    """Write curves.png, confusion.png and, if there are any, mistakes.png."""
    figures.style()
    drawn = {
        "curves.png": curves(history),
        "confusion.png": confusion(y, scores, names),
        "mistakes.png": mistakes(x, y, scores, names),
    }
    drawn = {name: fig for name, fig in drawn.items() if fig is not None}
    for name, fig in drawn.items():
        fig.savefig(folder / name)
    plt.close("all")
    return list(drawn)


def curves(history: dict):
    """Loss and accuracy of training and validation, epoch by epoch."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        lines = {"training": name, "validation": f"validation_{name}"}
        named = {label: history.get(key, []) for label, key in lines.items()}
        figures.loss_curve(ax, named, ylabel=name)
    return fig


def confusion(y, scores, names):
    """How often each class was taken for each."""
    fig, ax = plt.subplots(figsize=(7, 6))
    matrix = confusion_matrix(y, scores.argmax(axis=1), len(names))
    figures.confusion(ax, matrix, names)
    return fig


def mistakes(x, y, scores, names):
    """The surest 25 mistakes, truth over answer; None without any, or if not square."""
    predicted, sure = scores.argmax(axis=1), softmax(scores).max(axis=1)
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(-sure[wrong])][:25]
    side = math.isqrt(x.shape[1])
    if side**2 != x.shape[1] or len(worst) == 0:
        return None
    titles = [f"{names[y[i]]}?\n{names[predicted[i]]}" for i in worst]
    return figures.image_grid(x[worst], titles, columns=5, size=side)


if __name__ == "__main__":
    sys.exit(main())
