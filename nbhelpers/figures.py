"""The pictures that come back throughout the series.

Every function draws on the axes it is given, leaves its arrays as they were, and
shows nothing: the notebook's own `plt.show()` does. Only `image_grid`, which needs
many axes, makes its own figure. `style()` once at the top of a notebook sets the
fonts, the grid and the colours.
"""

import builtins
import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

# Okabe and Ito (2008), Color Universal Design: told apart with every colour vision.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "grey": "#7A7A7A",
}
CLASS_COLORS = [*COLORS.values(), "#222222", "#7B4A12"]
INK = "#222222"


def style():
    """White paper, light grid, few lines, colours from `COLORS`: series.mplstyle.

    A notebook's pictures get twice the pixels, for sharp screens, at the same size.
    """
    plt.style.use("nbhelpers.series")
    if hasattr(builtins, "get_ipython"):
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


# ---------------------------------------------------------------- colours


def tint(color, strength):
    """The colour mixed with white: strength 0 is white, 1 the colour itself."""
    return tuple(1 - strength * (1 - np.array(to_rgb(color))))


def text_color(color):
    """The colour, darkened until text in it reads on white."""
    c = np.array(to_rgb(color))
    while _luminance(c) > 0.18:
        c = c * 0.95
    return tuple(c)


def _luminance(color):
    """Relative luminance of a colour, 0 black to 1 white (WCAG 2.1)."""
    c = np.array(to_rgb(color))
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(c @ [0.2126, 0.7152, 0.0722])


def _symmetric(values):
    """Colours for `imshow`: negative red, zero white, positive blue."""
    largest = np.abs(values).max() or 1
    return {"cmap": "RdBu", "vmin": -largest, "vmax": largest}


# ---------------------------------------------------------------- lines


def curves(ax, x, named, *, xlabel: str = "", ylabel: str = "", title: str = ""):
    """One line over x (m,) for each name -> numbers (m,), named at its right end."""
    for name, numbers in named.items():
        (line,) = ax.plot(x, numbers)
        _end_label(ax, x[-1], numbers[-1], name, line.get_color())
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)


def loss_curve(ax, history, *, ylabel: str = "loss", logy: bool = False):
    """The numbers of `history` over the epochs, counted from 1; each a dot if few.

    history: a dict name -> one number an epoch, or one such sequence without a name
    """
    named = history if isinstance(history, dict) else {"": history}
    ax.set(xlabel="epoch", ylabel=ylabel, yscale="log" if logy else "linear")
    for name, numbers in named.items():
        marker = "o" if len(numbers) < 10 else None
        (line,) = ax.plot(range(1, len(numbers) + 1), numbers, marker=marker)
        if name and len(numbers):
            _end_label(ax, len(numbers), numbers[-1], name, line.get_color())
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)


def band(ax, x, runs, label: str, color):
    """The median of several runs (s, m) over x (m,), with their lowest and highest."""
    runs = np.asarray(runs)
    middle = np.median(runs, axis=0)
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2, lw=0)
    ax.plot(x, middle, color=color)
    _end_label(ax, x[-1], middle[-1], label, color)


def function_and_derivative(ax, x, y, slope, name: str):
    """The values of f and its slope, each (m,), over x (m,); jumps are left open."""
    lines = ((y, name, "blue", "-"), (slope, "slope", "vermillion", "--"))
    for values, label, color, dash in lines:
        jump = np.abs(np.diff(values, prepend=values[0])) > 0.3 * np.ptp(values)
        ax.plot(x, np.where(jump, np.nan, values), dash, color=COLORS[color])
        _end_label(ax, x[-1], values[-1], label, COLORS[color])
    ax.axhline(0, color="#888888", lw=0.8, zorder=0.5)
    ax.axvline(0, color="#888888", lw=0.8, zorder=0.5)
    ax.set(xlabel="z")


def _end_label(ax, x, y, text, color):
    """Write `text` right of the end of a line; labels of one axes keep apart."""
    label = ax.annotate(
        text, (x, y), (6, 0), textcoords="offset points", va="center", gid="end"
    )
    label.set(color=text_color(color), annotation_clip=False)
    label.set_path_effects([withStroke(linewidth=3, foreground="white")])
    ax.callbacks.connect("ylim_changed", _spread_ends)  # once, however often called
    ax.margins(x=0.02)
    ax.autoscale_view()
    _spread_ends(ax)


def _spread_ends(ax):
    """Move the end labels up and down, as little as possible, until none overlap.

    Labels that would touch form a block, centred on the ends of its lines: isotonic
    regression, by pooling neighbours.
    """
    labels = [text for text in ax.texts if text.get_gid() == "end"]
    points = 72 / ax.figure.dpi
    ends = [ax.transData.transform(label.xy)[1] * points for label in labels]
    order = np.argsort(ends, kind="stable")
    gap = 1.35 * plt.rcParams["font.size"]
    blocks = []
    for k, i in enumerate(order):
        blocks.append([ends[i] - k * gap])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = [np.mean(block) for block in blocks for _ in block]
    for k, (i, place) in enumerate(zip(order, places, strict=True)):
        labels[i].set_position((6, place + k * gap - ends[i]))


# ---------------------------------------------------------------- bars and dots


def bars(ax, names, values):
    """Horizontal bars, first on top, each with its number at the end."""
    rows = ax.barh(range(len(values)), values, height=0.7, color=COLORS["sky"])
    ax.bar_label(rows, fmt="{:.2f}", padding=4)
    ax.set_yticks(range(len(values)), names)
    ax.invert_yaxis()
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.12)
    ax.set_xticks([])
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.axvline(0, color="#888888", lw=1)


def dots(ax, named, *, mean: bool = False):
    """A row of dots for each name -> numbers, first on top.

    mean: a stroke at the mean of each row
    """
    for row, numbers in enumerate(named.values()):
        ax.plot(numbers, [row] * len(numbers), "o", color=COLORS["blue"], alpha=0.6)
        if mean:
            stroke = {"color": COLORS["vermillion"], "ms": 20, "mew": 3}
            ax.plot(np.mean(numbers), row, "|", **stroke)
    ax.set_yticks(range(len(named)), list(named))
    ax.set_ylim(len(named) - 0.5, -0.5)


# ---------------------------------------------------------------- matrices


def heatmap(
    ax,
    M,
    *,
    row_names=None,
    column_names=None,
    fmt: str = "{:.2f}",
    cmap: str = "Blues",
    symmetric: bool = False,
    title: str = "",
):
    """A matrix (rows, columns) as colours, each entry written in its cell.

    symmetric: zero is white, the same shade of red and blue equally far from it
    """
    M = np.asarray(M, float)
    kind = _symmetric(M) if symmetric else {"cmap": cmap}
    image = ax.imshow(M, aspect="auto", **kind)
    _cells(ax, M.shape, row_names, column_names)
    ax.set_title(title)
    for (i, j), v in np.ndenumerate(M):
        text = fmt.format(v + 0.0)  # which makes -0.0 a plain 0
        _write(ax, i, j, text.replace("-", "−"), image, v)


def confusion(ax, matrix, names):
    """A confusion matrix (k, k) of counts, rows the truth, columns the prediction.

    The mistakes are shaded by their share of the row; the diagonal is only grey.
    """
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, 0)
    top = max(share.max(), 0.01)
    mistakes = np.where(np.eye(len(matrix)), np.nan, share)
    image = ax.imshow(mistakes, cmap="Oranges", vmin=0, vmax=1.3 * top)
    ax.set_facecolor("#E4E4E4")
    _cells(ax, matrix.shape, list(names), list(names))
    font = min(10, 90 / len(matrix))
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            _write(ax, i, j, f"{count:.0f}", image, share[i, j], fontsize=font)
    ax.set(xlabel="predicted", ylabel="truth")


def _write(ax, i, j, text, image, v, **kind):
    """Text in cell i, j of an image: white where the colour of v is dark."""
    dark = _luminance(image.cmap(image.norm(v))[:3]) < 0.21
    color = "white" if dark else INK
    ax.text(j, i, text, ha="center", va="center", color=color, **kind)


def _cells(ax, shape, row_names, column_names):
    """White lines between the cells of a matrix, names in place of numbers."""
    column_names = [""] * shape[1] if column_names is None else column_names
    row_names = [""] * shape[0] if row_names is None else row_names
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(shape[1]), column_names)
    ax.set_yticks(np.arange(shape[0]), row_names)
    ax.set_xticks(np.arange(shape[1] - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(shape[0] - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.tick_params(which="both", length=0)
    if shape[1] > 4 and max(len(str(name)) for name in column_names) > 6:
        kind = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        plt.setp(ax.get_xticklabels(), **kind)


# ---------------------------------------------------------------- the plane


def decision_boundary(
    ax, predict: Callable, x, y, *, resolution: int = 150, title: str = ""
):
    """The class that `predict` gives each point of the plane, and the data on it.

    predict: (m, 2) -> classes (m,) or scores (m, k), k > 1    x (n, 2)    y (n,)
    """
    low, high = x.min(axis=0) - 0.4, x.max(axis=0) + 0.4
    u, v = (np.linspace(low[d], high[d], resolution) for d in (0, 1))
    points = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    out = np.asarray(predict(points))
    classes = out.argmax(axis=1) if out.ndim == 2 else out.astype(int)
    if out.shape[1:] == (1,) or (out.ndim == 1 and (out != classes).any()):
        raise ValueError("predict: classes (m,) or scores (m, k > 1), not one score")
    tints = np.array([tint(color, 0.28) for color in CLASS_COLORS])
    area = tints[classes].reshape(resolution, resolution, 3)
    extent = (low[0], high[0], low[1], high[1])
    kind = {"origin": "lower", "aspect": "auto", "interpolation": "bilinear"}
    ax.imshow(area, extent=extent, **kind)
    colors = np.array(CLASS_COLORS)[y]
    ax.scatter(*x.T, c=colors, s=22, edgecolors="white", linewidths=0.7)
    ax.set(xlabel="x1", ylabel="x2", title=title)
    ax.grid(False)


def contour_path(
    ax, f: Callable, paths, *, xlim, ylim, levels, minimum, colors=None, small=False
):
    """Level lines of f(w1, w2) and the paths of optimizers down it, a dot a step.

    f works on arrays    paths: a dict name -> (steps, 2)    colors: name -> color
    minimum: the point (2,) marked with a star    small: for a map without a legend
    """
    colors = colors or dict(zip(paths, COLORS.values(), strict=False))
    sizes = (9, 2.5, 5) if small else (13, 4, 7)
    w1, w2 = np.meshgrid(np.linspace(*xlim, 201), np.linspace(*ylim, 201))
    lines = {"cmap": "Greys_r", "linewidths": 0.4 if small else 0.8}
    ax.contour(w1, w2, f(w1, w2), levels=levels, **lines)
    ax.plot(*minimum, "*", color=INK, ms=sizes[0], zorder=5)
    ax.set(xlim=xlim, ylim=ylim, xlabel="w1", ylabel="w2")
    ax.grid(False)
    for name, path in paths.items():
        kind = {"color": colors[name], "ms": sizes[1], "lw": 1.3, "label": name}
        ax.plot(*path.T, "o-", zorder=4, **kind)
        ax.plot(*path[0], "o", color=INK, ms=sizes[2], zorder=5)
    if not small:
        legend = {"loc": "lower right", "ncols": 1 + (len(paths) > 4), "framealpha": 1}
        ax.legend(fontsize=0.9 * plt.rcParams["font.size"], **legend).set_zorder(6)


def small_valleys(part, f: Callable, paths, colors, floor, **kind):
    """Eight small maps: each path in its colour, the others in grey, and a key.

    part: a figure or subfigure    paths: seven, name -> (steps, 2), from one start
    colors: seven    floor (m, 2): a dotted line in the key    kind: levels and
    minimum, as for `contour_path`. Returns the maps of the paths.
    """
    *axes, key = part.subplots(2, 4, sharex=True, sharey=True).flat
    every = np.concatenate([*paths.values()])
    low, high = every.min(axis=0) - 0.3, every.max(axis=0) + 0.3
    view = {"xlim": (low[0], high[0]), "ylim": (low[1], high[1]), "small": True, **kind}
    for ax, (name, path), color in zip(axes, paths.items(), colors, strict=True):
        for other in paths.values():
            ax.plot(*other.T, color="#C4C4C4", lw=0.7, zorder=3)
        contour_path(ax, f, {name: path}, colors={name: color}, **view)
        ax.set_title(name, color=text_color(color))
    contour_path(key, f, {}, **view)
    key.plot(*floor.T, ":", color=INK, lw=1.2)
    for words, place in (("start", path[0]), ("lowest", kind["minimum"])):
        key.annotate(words, place, (-5, 8), textcoords="offset points")
    key.plot(*path[0], "o", color=INK, ms=5)
    key.set_title("the valley")
    plt.setp([*axes, key], xlabel="", ylabel="")
    return axes


def lowest_points(ax, x, named, colors):
    """A line over x (m,) for each name -> (m,), with its lowest point ringed and named.

    colors: name -> color. The names stand in a row below, each tied to its ring.
    """
    lowest = {name: int(np.argmin(numbers)) for name, numbers in named.items()}
    row = sorted(named, key=lambda name: (lowest[name], -min(named[name])))
    for name, numbers in named.items():
        ring, color = (x[lowest[name]], min(numbers)), colors[name]
        ax.plot(x, numbers, color=color, lw=1.6)
        ax.plot(*ring, "o", ms=7, mew=2, mec=color, mfc="white", zorder=4)
        place = (row.index(name) + 0.5) / len(row), 0.03
        tie = {"arrowstyle": "-", "color": color, "lw": 0.8, "shrinkB": 5}
        words = {"ha": "center", "color": text_color(color), "arrowprops": tie}
        ax.annotate(name, ring, place, textcoords="axes fraction", **words)
    ax.set(xscale="log", yscale="log")
    floor = min(map(min, named.values())) / 5  # room for the names
    ax.set_ylim(bottom=min(floor, ax.get_ylim()[0]))
    ax.minorticks_off()
    if len(x) < 12:
        ax.set_xticks(x[::2], [f"{value:g}" for value in x[::2]])


# ---------------------------------------------------------------- images


def image_grid(
    images, titles, *, columns: int, size: int = 28, symmetric: bool = False
) -> Figure:
    """A figure of small pictures, each with its title above it.

    images (n, size * size)    titles: n
    symmetric: zero is white, for weights; one scale for all pictures
    """
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    lines = [title.split("\n") for title in titles]
    longest = max(len(line) for title in lines for line in title)
    cell = min(max(0.8, 0.075 * longest), 8 / columns)  # inches
    above = 0.1 + 0.14 * max(len(title) for title in lines)
    figsize = (columns * cell, rows * (cell + above))
    fig, axes = plt.subplots(rows, columns, figsize=figsize, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    kind = _symmetric(images) if symmetric else {"cmap": "gray_r"}
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image.reshape(size, size), **kind)
        ax.set_title(title, fontsize=8, loc="center", color=INK, pad=2)
    return fig


def hidden_places(part, places, labels, names, w, cut):
    """Where a layer puts some points, side by side; in the last place one straight cut.

    part    a figure or subfigure
    places  title -> points (n, 2): the inputs, and before and after the bend
    labels  (n,) of 0 and 1, filled for 1    names: n tuples of numbers

    The cut is the line w[0] a1 + w[1] a2 = cut. Returns the three axes.
    """
    axes = part.subplots(1, 3)
    for ax, (title, points) in zip(axes, places.items(), strict=True):
        _named_points(ax, np.asarray(points), labels, names)
        letter = title[-1]
        ax.set(title=title, xlabel=f"{letter}1", ylabel=f"{letter}2", aspect="equal")
        ax.set(xlim=(-0.8, 2.5), ylim=(-1.4, 1.5))
    _, before, after = places.values()
    kind = {"color": COLORS["grey"], "lw": 1, "ls": ":", "zorder": 0}
    axes[1].plot(*np.array(before).T, **kind)
    u = np.array(axes[2].get_xlim())
    axes[2].plot(u, (cut - w[0] * u) / w[1], color=COLORS["blue"], scaley=False)
    for start, end in zip(before.tolist(), after.tolist(), strict=True):
        if start != end:
            arrow = {"arrowstyle": "->", "lw": 1.5, "shrinkB": 6, "color": INK}
            axes[2].annotate("", end, start, arrowprops=arrow)
    return axes


def _named_points(ax, points, labels, names):
    """Points with their names beside them; those at one place share a text."""
    faces = [INK if label else "white" for label in labels]
    ax.scatter(*points.T, c=faces, s=80, edgecolors=INK, zorder=3)
    here = {}
    for point, label, name in zip(points.tolist(), labels, names, strict=True):
        text = f"({', '.join(map(str, name))})"
        here.setdefault((*point, bool(label)), []).append(text)
    for (*place, filled), texts in here.items():
        kind = (
            {"va": "top", "ha": "left"} if filled else {"va": "bottom", "ha": "right"}
        )
        offset = (7, -4) if filled else (-5, 4)
        kind |= {"xytext": offset, "textcoords": "offset points", "fontsize": 9}
        ax.annotate("\n".join(texts), place, **kind)


def added_bends(ax, x, curve, kinks, weights, start):
    """A curve, the bends w * max(x - kink, 0) one by one, and `start` plus their sum.

    x, curve (m,)    kinks, weights (n,)    the first line is the curve, the last but
    one the sum, and the last one marks the kinks on it
    """
    parts = np.maximum(x[:, None] - kinks, 0) * weights  # (m, n)
    ax.plot(x, curve, color=COLORS["grey"], lw=5, alpha=0.4)
    ax.plot(x, start + parts, color=COLORS["orange"], lw=0.8)
    ax.plot(x, start + parts.sum(axis=1), color=COLORS["blue"])
    at_kinks = start + np.maximum(np.subtract.outer(kinks, kinks), 0) @ weights
    ax.plot(kinks, at_kinks, "o", color=INK, ms=4)


def small_tables(part, name, moved, title):
    """How a small array answers each entry of another: a table for each, in its place.

    part: a figure or subfigure    moved (rows, columns, n, m)    returns the axes
    """
    axes = part.subplots(*moved.shape[:2], squeeze=False)
    for at, ax in np.ndenumerate(axes):
        heatmap(ax, moved[at], fmt="{:.0f}", symmetric=True)
        ax.images[0].set_clim(-1.6 * np.abs(moved).max(), 1.6 * np.abs(moved).max())
        plt.setp(ax.texts, color=INK)
        ax.set_title(f"{name}[{at[0]}, {at[1]}]", fontsize=10)
    part.suptitle(title, fontsize=11)
    return axes


def half_planes(ax, W, b, *, size=1.6, resolution=161):
    """The half-plane of each ReLU unit: its line, and an arrow to its active side.

    W (2, units)    b (units,)    the plane: -size to size, shaded by how many units
    are active there. A line that misses the plane is not drawn. Returns the counts.
    """
    u = np.linspace(-size, size, resolution)
    plane = np.stack(np.meshgrid(u, u), axis=-1)  # (resolution, resolution, 2)
    scores = plane @ W + b
    count = (scores > 0).sum(axis=2)
    kind = {"origin": "lower", "cmap": "Blues", "vmin": 0, "vmax": 1.25 * W.shape[1]}
    ax.imshow(count, extent=(-size, size, -size, size), **kind)
    for z, w, shift in zip(np.moveaxis(scores, 2, 0), W.T, b, strict=True):
        if z.min() < 0 < z.max():
            ax.contour(u, u, z, levels=[0], colors=INK, linewidths=1)
            foot, along = -shift * w / (w @ w), np.array([-w[1], w[0]])
            line = foot + np.linspace(-4, 4, 801)[:, None] * along / np.hypot(*w)
            inside = line[np.abs(line).max(axis=1) < 0.88 * size]
            inside = inside if len(inside) else line[[400]]
            tip = inside[0] + 0.3 * w / np.hypot(*w)
            arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1}
            ax.annotate("", tip, inside[0], arrowprops=arrow, annotation_clip=False)
    ax.set(xlim=(-size, size), ylim=(-size, size), xlabel="x1", ylabel="x2")
    ax.grid(False)
    return count


def bells(ax, at, centres, density, *, width=0.2, reach=1.0):
    """A density standing sideways on a curve, at some of its points.

    at, centres (m,): the points, and the middle of each bell
    density: errors (k,) -> heights; drawn `width` wide at the middle, as far as `reach`
    """
    d = np.linspace(-reach, reach, 201)
    thick = width * density(d) / density(np.zeros(1))
    for x, centre in zip(at, centres, strict=True):
        ax.plot(x + thick, centre + d, color=COLORS["sky"], lw=1)
        ax.fill_betweenx(centre + d, x, x + thick, color=COLORS["sky"], alpha=0.3, lw=0)


def probability_triangle(ax, p, pull, path, *, color, title: str = ""):
    """Probabilities of three classes as places in a triangle, with an arrow at each.

    p (m, 3), rows with sum 1: class 0 is certain at the top, 1 on the left, 2 on the
    right    pull (m, 3), rows with sum 0, drawn at a third of its length
    path (steps, 3): a walk through the triangle, a dot a step
    """
    corners = np.array([[0.5, math.sqrt(0.75)], [0, 0], [1, 0]])
    ax.plot(*corners[[0, 1, 2, 0]].T, color=COLORS["grey"], lw=1)
    kind = {"angles": "xy", "scale_units": "xy", "scale": 3, "width": 0.006}
    ax.quiver(*(p @ corners).T, *(pull @ corners).T, color=color, **kind)
    ax.plot(*(path @ corners).T, "o-", color=INK, ms=4, lw=0.8)
    for k, (place, side) in enumerate(zip(corners, (0, -1, 1), strict=True)):
        shift = (10 * side, -16 if side else 8)
        kind = {"ha": "center", "textcoords": "offset points", "xytext": shift}
        ax.annotate(f"class {k}" + (", the label" if k == 0 else ""), place, **kind)
    ax.set(aspect="equal", title=title, xlim=(-0.1, 1.1), ylim=(-0.12, 1))
    ax.set_axis_off()


def loss_over_planes(fig, losses, networks, epochs, x, y):
    """A loss after each epoch, marked at some, and under it the plane at each of them.

    losses, networks: before the first epoch and after each one    x (n, 2)    y (n,)
    Returns the axes of the curve and those of the planes.
    """
    top, bottom = fig.subfigures(2, 1, height_ratios=(1, 1.2))
    ax, planes = top.subplots(), bottom.subplots(1, len(epochs))
    ax.plot(losses, color=COLORS["blue"])
    ax.set(xlabel="epoch", ylabel="loss", yscale="log")
    for letter, epoch, plane in zip("ABCD", epochs, planes, strict=False):
        ax.plot(epoch, losses[epoch], "o", color=INK)
        kind = {"xytext": (5, 5), "textcoords": "offset points", "weight": "bold"}
        ax.annotate(letter, (epoch, losses[epoch]), **kind)
        title = f"{letter}, epoch {epoch}"
        decision_boundary(plane, networks[epoch].predict, x, y, title=title)
        plane.set(xlabel="", ylabel="", xticks=[], yticks=[])
    return ax, planes


def line_and_dots(ax, x, line, dots, label: str, color):
    """What was derived, as a thin line with its name; what was measured, as dots."""
    ax.plot(x, line, color=color, lw=1)
    ax.plot(x, dots, "o", color=color, ms=5)
    _end_label(ax, x[-1], line[-1], label, color)


def rate_curve(ax, losses, label: str, color):
    """The loss that each rate led to, rate -> loss, with a ring around the lowest."""
    rates, best = list(losses), min(losses, key=losses.get)
    ax.plot(rates, list(losses.values()), color=color)
    ring = {"mec": color, "mfc": "white", "mew": 2, "zorder": 3}
    ax.plot(best, losses[best], "o", **ring)
    _end_label(ax, rates[-1], losses[rates[-1]], label, color)
    ax.set(xscale="log", yscale="log", xlabel="rate")


def curvature_and_border(ax, rate, curvatures, every, color):
    """The curvature in a training, measured every so many steps, and 2/rate, dashed."""
    ax.plot(every * np.arange(len(curvatures)), curvatures, color=color)
    ax.axhline(2 / rate, color=color, ls="--", lw=1)
    place = {"xytext": (0, -3), "textcoords": "offset points", "ha": "right"}
    place |= {"xycoords": ("axes fraction", "data"), "va": "top"}
    ax.annotate(f"2 / {rate}", (1, 2 / rate), color=text_color(color), **place)
    ax.set(xlabel="step", ylabel="curvature")


def learning_curve(ax, images, named, colors):
    """Accuracy over the number of training images: the median of the runs, and a band.

    named: a name -> for each entry of `images` the accuracies of its runs
    """
    _counted(ax, "training images")
    ax.set_ylabel("accuracy")
    for (name, runs), color in zip(named.items(), colors, strict=True):
        low, middle, high = ([f(run) for run in runs] for f in (min, np.median, max))
        ax.fill_between(images, low, high, color=color, alpha=0.2, lw=0)
        ax.plot(images, middle, "o-", color=color, ms=4)
        _end_label(ax, images[-1], middle[-1], name, color)


def worth(ax, images, curve, at, cures, colors):
    """How many images would do as much as some cures of one number of images.

    images, curve (m,): a rising learning curve    at: the number for the cures
    cures: a name -> accuracy, in rising order, each with an arrow to the curve
    """
    ax.plot(images, curve, "o-", color=COLORS["blue"], ms=4)
    room = 0.1 * np.ptp(list(cures.values()))  # for a label
    below = -math.inf
    for (name, height), color in zip(cures.items(), colors, strict=True):
        there = 10 ** np.interp(height, curve, np.log10(images))
        ax.plot(at, height, "D", color=color, ms=6, zorder=3)
        arrow = {
            "arrowstyle": "->",
            "color": color,
            "lw": 2,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        ax.annotate("", (there, height), (at, height), arrowprops=arrow)
        below = max(height, below + room)
        kind = {"ha": "right", "va": "center", "color": text_color(color)}
        text = f"{name}: {float(f'{there:.2g}'):,.0f} "
        ax.text(0.93 * at, below, text, **kind)
    _counted(ax, "training images")
    ax.set_xticks([at / 2, at, 2 * at, 4 * at])
    ax.set(
        xlim=(0.13 * at, 5 * at), ylim=(min(cures.values()) - 2 * room, height + room)
    )


def _counted(ax, label):
    """A logarithmic axis of numbers that are written out."""
    ax.set(xscale="log", xlabel=label)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.minorticks_off()


def framed(whole, part, image, row, column, size):
    """An image on one pair of axes with a square framed, its entries on another."""
    whole.imshow(image, cmap="gray_r")
    corner = column - 0.5, row - 0.5
    kind = {"fill": False, "ec": COLORS["orange"], "lw": 3}
    whole.add_patch(plt.Rectangle(corner, size, size, **kind))
    whole.set(xticks=[], yticks=[])
    whole.grid(False)
    inside = image[row : row + size, column : column + size]
    heatmap(part, inside, fmt="{:.0f}", cmap="gray_r", title="the bytes in the frame")


def tried(axes, draws, best, ticks, measure):
    """Each draw as a dot over one of its settings on each axes; the best has a ring.

    draws, best: rows with named columns, of which `measure` is one
    ticks: a setting -> its ticks; logarithmic where the last is far above the first
    """
    ring = {"ms": 13, "mfc": "none", "mec": COLORS["vermillion"], "mew": 2}
    for ax, (name, at) in zip(axes, ticks.items(), strict=True):
        ax.plot(draws[name], draws[measure], "o", color=COLORS["blue"], alpha=0.7)
        ax.plot(best[name], best[measure], "o", **ring)
        ax.set(xlabel=name, xscale="log" if at[-1] > 6 * at[0] else "linear")
        ax.set_xticks(at, [f"{tick:g}" for tick in at])
        ax.minorticks_off()


def reliability(ax, confidence, share, name, color):
    """The share of right answers over their confidence, beside the diagonal."""
    ax.plot(confidence, share, "o-", color=color)
    ax.plot([0, 1], [0, 1], color=COLORS["grey"], lw=1, zorder=0)
    k, above = len(share) // 3, np.mean(share - confidence) > -0.03
    place = {"xytext": (-8, 6), "ha": "right"} if above else {"xytext": (8, -10)}
    place |= {"textcoords": "offset points", "color": text_color(color)}
    ax.annotate(name, (confidence[k], share[k]), **place)
    ax.set(xlabel="confidence", ylabel="share right", xlim=(0.15, 1), ylim=(0.15, 1.02))
