"""python -m nbhelpers: train the finished network and keep what comes of it.

Knows everything; nothing imports it.
"""

import argparse
import math
import os
import sys
import zlib
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from nbhelpers import __version__, checkpoint, results
from nbhelpers.datasets import DATA, load_idx_folder, read_picture
from nbhelpers.fashion_mnist import BATCH_SIZE, LABELS, recipe, train
from nbhelpers.files import Lasting, claimed
from nbhelpers.generalization import accuracy, split
from nbhelpers.single_pass import softmax

KNOWN = {"fashion_mnist": LABELS, "mnist": [str(digit) for digit in range(10)]}
COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "validation_loss": "val. loss",
    "validation_accuracy": "val. acc.",
}
HELD_OUT = 1 / 12  # of the training images, for validation
TRAINING = "training.safetensors"  # what --resume needs; results.WRITTEN is the rest
STOPPED = 130  # what a shell says of a command that Ctrl-C ended


def main(argv: list[str] | None = None) -> int:
    """Train or predict; returns the exit code, 1 with one sentence for what failed."""
    plt.switch_backend("agg")  # the pictures go to files, no window is needed
    out, err = Lasting(sys.stdout), Lasting(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            options = parse(argv)
            return run(options) if options.command is None else predict(options)
        except (OSError, ValueError, ArithmeticError) as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped by hand.", file=sys.stderr)
            return STOPPED


# ---------------------------------------------------------------- the command line


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; with --resume, an option not given is None."""
    parser = argparse.ArgumentParser(
        prog="python -m nbhelpers",
        description="Train the network of notebook 08, measure it on images held out "
        "for validation, and write the network, its history and pictures to a folder.",
        epilog="Ctrl-C ends the training after the last whole epoch. The same command "
        "with --resume continues from there.",
    )
    known = ", ".join(KNOWN)
    add = parser.add_argument
    add("--data", default="fashion_mnist", help=f"{known}, or a folder of IDX files")
    add("--epochs", type=at_least(1), help="how often to see all images (25)")
    add("--seed", type=at_least(0), help="of the split, weights, order, dropout (0)")
    add("--output", type=Path, help="folder for the results (runs/DATA)")
    add("--test", action="store_true", help="at the end, measure on the test images")
    either = parser.add_mutually_exclusive_group()
    for name, verb in {"--resume": "continue", "--overwrite": "replace"}.items():
        words = f"{verb} the training in --output"
        either.add_argument(name, action="store_true", help=words)
    words = "what pictures show: predict --help"
    commands = parser.add_subparsers(dest="command", metavar="[predict]", help=words)
    add = commands.add_parser("predict").add_argument
    add("network", type=Path, help=f"the {results.NETWORK} of a training")
    add("pictures", type=Path, nargs="+", help="PNG or JPEG, as large as those trained")
    add("--invert", action="store_true", help="they are dark on light, as on paper")
    options = parser.parse_args(argv)
    name = Path(os.path.abspath(options.data)).name or "data"
    options.output = options.output or Path("runs") / name
    if options.output.is_file():
        parser.error(f"argument --output: {options.output} is a file, not a folder")
    if not options.resume:
        options.epochs, options.seed = options.epochs or 25, options.seed or 0
    return options


def at_least(least: int):
    """For argparse: a whole number that is not less."""

    def whole_number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return whole_number


# ---------------------------------------------------------------- training


def run(options: argparse.Namespace) -> int:
    """Load, train, measure, write; the exit code."""
    known, output = options.data in KNOWN, options.output
    if options.resume and not (output / TRAINING).exists():
        raise FileNotFoundError(f"--resume: there is no {output / TRAINING}")
    folder = DATA / options.data if known else options.data
    x, y, *test = load_idx_folder(folder)
    names = KNOWN[options.data] if known else [str(k) for k in range(y.max() + 1)]
    output.mkdir(parents=True, exist_ok=True)
    with claimed(output):
        about = planned(x, y, options)
        try:
            pairs = split(x, y, HELD_OUT, np.random.default_rng(about["seed"]))
        except ValueError as error:
            raise ValueError(f"{folder}: {error}; give more images of it") from error
        network, history = trained(*pairs, about, options)
        done = len(history.get("loss", []))
        if done > 0:
            made = results.write(output, network, history, pairs[1], names)
            print(f"\nWritten to {output}:\n{TRAINING}", *made)
            asked = f"python -m nbhelpers predict {output / results.NETWORK} PICTURE"
            print(f"\n{asked}\nsays what a picture of yours shows.")
    if done < about["epochs"]:
        hint = "; --resume goes on" if done > 0 else ""
        print(f"Stopped after {done} of {about['epochs']} epochs{hint}.")
        return STOPPED
    if options.test:
        right = accuracy(test[1], network.predict(test[0]).argmax(axis=1))
        print(f"test accuracy {right:.4f}")
    return 0


def planned(x, y, options: argparse.Namespace) -> dict:
    """What the training is of; an error where --output has another."""
    about = {"seed": options.seed, "epochs": options.epochs, "held_out": HELD_OUT}
    about["data"] = zlib.crc32(y, zlib.crc32(x))
    about["recipe"] = [__version__, *map(repr, recipe()[:2])]
    output = options.output
    if options.resume:
        return same_training(checkpoint.read_about(output / TRAINING), about)
    there = [name for name in (TRAINING, *results.WRITTEN) if (output / name).exists()]
    if there and not options.overwrite:
        raise FileExistsError(
            f"{output} has {' '.join(there)} already; --resume continues that, "
            "--overwrite replaces it, another --output keeps it"
        )
    return about


def same_training(saved: dict, asked: dict) -> dict:
    """What a saved training is of; ValueError where the command asks for another."""
    if saved.get("data") != asked["data"]:
        raise ValueError("--resume: the saved training is of other images; see --data")
    for name, value in asked.items():
        if value not in (None, saved.get(name)):
            hint = f"leave --{name} out, or " if name in ("seed", "epochs") else ""
            raise ValueError(
                f"--resume: the saved training has {name} {saved.get(name)}, not "
                f"{value}; {hint}train anew into another --output"
            )
    return saved


def trained(rows, held_out, about: dict, options: argparse.Namespace) -> tuple:
    """Network and history; each epoch is saved, so that --resume can continue."""
    output, saved = options.output, options.output / TRAINING
    loss, optimizer, schedule = recipe()
    if options.resume:
        network, optimizer, history, rng = checkpoint.resume(saved)
    else:
        network, history, rng = None, {}, np.random.default_rng(about["seed"])
    counts = f"{len(rows[0]):,} images to train on, {len(held_out[0]):,} to validate"
    print(f"{counts}: a twelfth of each class")
    done = len(history.get("loss", []))
    if done == about["epochs"]:
        print(f"all {done} epochs are done")
    keep = partial(checkpoint.save, saved, optimizer=optimizer, rng=rng, about=about)
    steps = math.ceil(len(rows[0]) / BATCH_SIZE)
    with table(about["epochs"] * steps, done * steps) as (bar, add_row):

        def after_epoch(network, history):
            if len(history["loss"]) == 1:  # nothing before is kept from now on
                for name in results.WRITTEN:
                    (output / name).unlink(missing_ok=True)
            try:
                keep(network, history=history)
                add_row(history)
            except KeyboardInterrupt:  # which the history outlives, so keep it too
                keep(network, history=history)
                raise

        def counted(*at):
            bar.update()
            return schedule(*at)

        return train(
            rows,
            rng,
            epochs=about["epochs"],
            validation=held_out,
            after_epoch=after_epoch,
            network=network,
            parts=(loss, optimizer, counted),
            history=history,
        )


@contextmanager
def table(batches: int, done: int):
    """In a terminal a bar of batches; and a function that prints an epoch above it."""
    print("epoch " + "".join(f"{title:>11}" for title in COLUMNS.values()))
    with tqdm(total=batches, initial=done, unit="batch", disable=None) as bar:

        def add_row(history):
            row = "".join(f"{history[name][-1]:11.4f}" for name in COLUMNS)
            tqdm.write(f"{len(history['loss']):5d} {row}")

        yield bar, add_row


# ---------------------------------------------------------------- predicting


def predict(options: argparse.Namespace) -> int:
    """Print the likeliest three classes of each picture; the exit code."""
    names = checkpoint.read_about(options.network).get("names")
    if names is None:
        raise ValueError(f"{options.network} is no {results.NETWORK} of this command")
    network = checkpoint.load(options.network)
    n_in = len(next(iter(network.params.values())))
    for path in options.pictures:
        x = read_picture(path, n_in)
        corners = x[0, [0, math.isqrt(n_in) - 1, -math.isqrt(n_in), -1]]
        if np.median(corners) > 0.5 and not options.invert:
            print(f"{path} is light at its corners: try --invert", file=sys.stderr)
        p = softmax(network.predict(1 - x if options.invert else x))[0]
        best = np.argsort(-p)[:3]
        print(f"{path}:", ", ".join(f"{names[k]} {p[k]:.4f}" for k in best))
    return 0


if __name__ == "__main__":
    sys.exit(main())
