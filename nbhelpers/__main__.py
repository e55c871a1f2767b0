"""python -m nbhelpers: train the finished network and keep what comes of it.

Knows everything; nothing imports it.
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # the pictures go to files, no window is needed

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from nbhelpers import checkpoint, figures  # noqa: E402
from nbhelpers.datasets import DATA, load_idx_folder  # noqa: E402
from nbhelpers.dynamic_network import fit  # noqa: E402
from nbhelpers.fashion_mnist import BATCH_SIZE, LABELS, Centering, build, recipe  # noqa: E402
from nbhelpers.generalization import confusion_matrix, report, split  # noqa: E402
from nbhelpers.single_pass import softmax  # noqa: E402

KNOWN = {"fashion_mnist": LABELS, "mnist": [str(digit) for digit in range(10)]}
COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "validation_loss": "val. loss",
    "validation_accuracy": "val. acc.",
}


def main(words=None):
    """Run the command line; 0, or 1 with one sentence where it could not be done."""
    options = parse(words)
    try:
        run(options)
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(words):
    """The command line as argparse's namespace."""
    parser = argparse.ArgumentParser(
        prog="python -m nbhelpers",
        description="Train the network of notebook 08, measure it on the test images, "
        "and write the network, its history and pictures to a folder.",
        epilog="Ctrl-C ends the training and keeps what was learned. The same command "
        "with --resume goes on from the last complete epoch.",
    )
    known = ", ".join(KNOWN)
    add = parser.add_argument
    add("--data", default="fashion_mnist", help=f"{known}, or a folder of IDX files")
    add("--epochs", default=25, type=count, help="how often to see all images (25)")
    add("--seed", default=0, type=int, help="of the weights, the order, dropout (0)")
    add("--output", type=Path, help="folder for the results (runs/DATA)")
    add("--resume", action="store_true", help="go on with the training in --output")
    options = parser.parse_args(words)
    options.output = options.output or Path("runs") / Path(options.data).name
    return options


def count(text):
    """A whole number of at least 1, or argparse's error."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def run(options):
    """Load, train, measure, write."""
    x, y, x_test, y_test = load_idx_folder(
        DATA / options.data if options.data in KNOWN else options.data
    )
    classes = int(max(y.max(), y_test.max())) + 1
    names = KNOWN.get(options.data, [str(k) for k in range(classes)])
    options.output.mkdir(parents=True, exist_ok=True)

    network, history = train(x, y, classes, options)
    checkpoint.save(options.output / "network.npz", network, history=history)
    written = json.dumps(history, indent=1) + "\n"
    (options.output / "history.json").write_text(written, encoding="utf-8")

    scores = np.concatenate([network.predict(p) for p in np.array_split(x_test, 20)])
    results = report(y_test, scores.argmax(axis=1), names)
    (options.output / "report.txt").write_text(results + "\n", encoding="utf-8")
    draw(options.output, history, x_test, y_test, scores, names)
    print(f"\nOn the {len(y_test):,} test images, which took no part in training:\n")
    print(results)
    print(f"\nWritten to {options.output}: network.npz training.npz history.json")
    print("report.txt curves.png confusion.png mistakes.png")


def train(x, y, classes, options):
    """Network and history; a line and a saved state an epoch, a bar in a terminal."""
    first, validation = split(x, y, 1 / 12, np.random.default_rng(options.seed))
    centred = Centering(first[0])
    first, validation = ((centred(x), y) for x, y in (first, validation))
    loss, optimizer, schedule = recipe()
    rng, history = np.random.default_rng(options.seed), None
    saved = options.output / "training.npz"
    if options.resume:
        network, optimizer, history, rng = checkpoint.resume(saved)
    else:
        network = build(rng, (x.shape[1], 512, 256, classes))

    done = len(history["loss"]) if history else 0
    print(f"{len(first[0]):,} images to train on, {len(validation[0]):,} to validate")
    print("epoch " + "".join(f"{title:>11}" for title in COLUMNS.values()), flush=True)
    with tqdm(total=options.epochs, initial=done, unit="epoch", disable=None) as bar:

        def after_epoch(network, history):
            checkpoint.save(saved, network, optimizer, history=history, rng=rng)
            row = "".join(f"{history[name][-1]:11.4f}" for name in COLUMNS)
            tqdm.write(f"{len(history['loss']):5d} {row}")
            sys.stdout.flush()
            bar.update()

        history = fit(
            network,
            loss,
            optimizer,
            first,
            validation,
            epochs=options.epochs,
            batch_size=BATCH_SIZE,
            rng=rng,
            schedule=schedule,
            after_epoch=after_epoch,
            history=history,
        )
    centred.fold_into(network)
    return network, history


def draw(folder, history, x_test, y_test, scores, names):
    """curves.png, confusion.png and mistakes.png."""
    figures.style()
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        lines = {"training": name, "validation": f"validation_{name}"}
        curves = {label: history.get(key, []) for label, key in lines.items()}
        figures.loss_curve(ax, curves, ylabel=name)
    fig.savefig(folder / "curves.png")

    predicted, sure = scores.argmax(axis=1), softmax(scores).max(axis=1)
    fig, ax = plt.subplots(figsize=(7, 6))
    matrix = confusion_matrix(y_test, predicted, len(names))
    figures.confusion(ax, matrix, names)
    fig.savefig(folder / "confusion.png")

    wrong = np.flatnonzero(predicted != y_test)
    worst = wrong[np.argsort(-sure[wrong])][:25]
    titles = [f"{names[y_test[i]]}?\n{names[predicted[i]]}" for i in worst]
    side = round(x_test.shape[1] ** 0.5)
    if side**2 == x_test.shape[1] and len(worst):
        fig = figures.image_grid(x_test[worst], titles, columns=5, size=side)
        fig.savefig(folder / "mistakes.png")
    plt.close("all")


if __name__ == "__main__":
    sys.exit(main())
