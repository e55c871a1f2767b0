"""What comes of a training: the network, its report on validation images, pictures.

Written by the command, which is all that imports it.
"""

import io
import json
import math
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from nbhelpers import checkpoint, figures
from nbhelpers.files import write_whole
from nbhelpers.generalization import confusion_matrix, report
from nbhelpers.single_pass import softmax

NETWORK, HISTORY, REPORT = "network.safetensors", "history.json", "report.txt"
PICTURES = "curves.png", "confusion.png", "mistakes.png"
WRITTEN = NETWORK, HISTORY, REPORT, *PICTURES


def write(output: Path, network, history: dict, held_out: tuple, names: list) -> list:
    """Write all that WRITTEN names, and print the report; returns the names written."""
    x, y = held_out
    scores = network.predict(x)
    with warnings.catch_warnings(action="ignore"):  # 0/0: a class never predicted
        results = report(y, scores.argmax(axis=1), names)
    about = {"names": names}
    checkpoint.save(output / NETWORK, network, history=history, about=about)
    write_whole(output / HISTORY, f"{json.dumps(history, indent=1)}\n".encode())
    write_whole(output / REPORT, f"{results}\n".encode())
    print(f"\nOn the {len(y):,} validation images:\n\n{results}")
    return [NETWORK, HISTORY, REPORT, *draw(output, history, x, y, scores, names)]


def draw(folder: Path, history, x, y, scores, names) -> list[str]:
    """Write curves.png, confusion.png and, if there are any, mistakes.png."""
    figures.style()
    made = curves(history), confusion(y, scores, names), mistakes(x, y, scores, names)
    drawn = dict(zip(PICTURES, made, strict=True))
    for name, figure in drawn.items():
        if figure is None:
            (folder / name).unlink(missing_ok=True)  # of an epoch before
        else:
            picture = io.BytesIO()
            figure.savefig(picture, dpi=160)  # sharp on today's screens
            write_whole(folder / name, picture.getvalue())
    plt.close("all")
    return [name for name, figure in drawn.items() if figure is not None]


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
    """The surest 25 mistakes, each named; None without any, or if not square."""
    predicted, sure = scores.argmax(axis=1), softmax(scores).max(axis=1)
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(-sure[wrong])][:25]
    side = math.isqrt(x.shape[1])
    if side**2 != x.shape[1] or len(worst) == 0:
        return None
    titles = [f"truth {names[y[i]]},\npredicted {names[predicted[i]]}" for i in worst]
    return figures.image_grid(x[worst], titles, columns=5, size=side)
