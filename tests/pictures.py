"""Read back what was drawn: texts, names at an axis, colours, what lies on what."""

from itertools import combinations

import numpy as np
from matplotlib.colors import same_color


def fixed(numbers, dtype=float):
    """An array that cannot be written into."""
    array = np.array(numbers, dtype)
    array.setflags(write=False)
    return array


def texts(ax):
    """The texts that are not empty, by what they say; each may stand only once."""
    found = [text for text in ax.texts if text.get_text()]
    by_words = {text.get_text(): text for text in found}
    assert len(by_words) == len(found), "the same words stand in two places"
    return by_words


def ticks(axis):
    """The names at an axis, by their place on it."""
    names = [label.get_text() for label in axis.get_ticklabels()]
    return dict(zip(axis.get_ticklocs().tolist(), names, strict=True))


def assert_colors(found, wanted):
    pairs = list(zip(found, wanted, strict=True))
    assert all(same_color(a, b) for a, b in pairs), pairs


def assert_apart(fig):
    """No text lies on another, and the border of the figure cuts none."""
    fig.canvas.draw()
    found = [text for ax in fig.axes for text in [*ax.texts, ax.title]]
    boxes = {t: t.get_window_extent().padded(-0.5) for t in found if t.get_text()}
    for a, b in combinations(boxes, 2):
        assert not boxes[a].overlaps(boxes[b]), f"{a.get_text()} on {b.get_text()}"
    for text, box in boxes.items():
        inside = all(fig.bbox.contains(*corner) for corner in box.get_points())
        assert inside, f"{text.get_text()} is cut"
