"""The pictures that come back throughout the series.

Every function draws on the axes it is given, leaves its arrays as they were, and
shows nothing: the notebook's own `plt.show()` does. `style()` once at the top of a
notebook sets the fonts, the grid and the colours.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.patches import Circle, Rectangle
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
CLASS_CMAP = ListedColormap([*COLORS.values(), "#222222", "#7B4A12"], name="classes")
DIVERGING = "RdBu"  # negative red, zero white, positive blue
INK, PALE, GRADIENT = "#222222", "#D0D0D0", COLORS["vermillion"]


def style():
    """White paper, light grid, few lines, colours from `COLORS`: series.mplstyle."""
    plt.style.use("nbhelpers.series")


# ---------------------------------------------------------------- small tools


def _luminance(color):
    """Relative luminance of a colour, 0 black to 1 white (WCAG 2.1)."""
    c = np.array(to_rgb(color))
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(c @ [0.2126, 0.7152, 0.0722])


def _ink(color):
    """The colour, darkened until text in it reads on white."""
    c = np.array(to_rgb(color))
    while _luminance(c) > 0.18:
        c = c * 0.95
    return tuple(c)


def _tint(color, strength):
    """The colour mixed with white: strength 0 is white, 1 the colour itself."""
    return tuple(1 - strength * (1 - np.array(to_rgb(color))))


def _number(v):
    """Up to three decimals, no trailing zeros; a tiny number is not shown as 0."""
    v = float(v)
    if v != 0 and (abs(v) < 5e-4 or abs(v) >= 1e5):
        return f"{v:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    text = f"{v:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def _blank(ax, xlim, ylim, title=""):
    """Axes as a sheet of paper: no ticks or frame, one unit as high as it is wide."""
    ax.set(xlim=xlim, ylim=ylim, aspect="equal", title=title)
    ax.set_axis_off()


def _width(ax):
    """The width in inches that the axes will have, about."""
    spec = ax.get_subplotspec()
    share = len(spec.colspan) / spec.get_gridspec().ncols if spec else 0.8
    return 0.97 * share * ax.figure.get_figwidth()


def _end_label(ax, x, y, text, color):
    """Write `text` right of the end of a line; labels of one axes keep apart."""
    label = ax.annotate(
        text, (x, y), (6, 0), textcoords="offset points", va="center", gid="end"
    )
    label.set(color=_ink(color), annotation_clip=False)
    label.set_path_effects([withStroke(linewidth=3, foreground="white")])
    if not getattr(ax, "_ends_kept_apart", False):
        ax._ends_kept_apart = True
        ax.callbacks.connect("ylim_changed", _spread_ends)
    ax.margins(x=0.02)
    ax.autoscale_view()
    _spread_ends(ax)


def _spread_ends(ax):
    """Move the end labels up and down until none lies on another."""
    labels = [t for t in ax.texts if t.get_gid() == "end"]
    points = 72 / ax.figure.dpi
    y = [ax.transData.transform((1, t.xy[1]))[1] * points for t in labels]
    order = np.argsort(y, kind="stable")
    gap = 1.35 * plt.rcParams["font.size"]
    place = np.array(y)[order]
    for _ in range(200):  # push neighbours apart, half each
        close = np.maximum(gap - np.diff(place), 0)
        if close.max(initial=0) < 0.1:
            break
        place[1:] += close / 2
        place[:-1] -= close / 2
    for i, target in zip(order, place, strict=True):
        labels[i].set_position((6, target - y[i]))


# ---------------------------------------------------------------- the network


def draw_network(
    ax,
    sizes,
    *,
    values=None,
    pre_activations=None,
    gradients=None,
    weights=None,
    weight_gradients=None,
    biases=None,
    bias_gradients=None,
    title="",
    input_names=None,
    output_name="y",
    highlight=None,
):
    """A small network with every number on it; made for figsize (8, 5).

    sizes            units a layer, such as (2, 3, 1)
    values           one (n,) array a layer: x, a1, ..., y, written in the nodes
    pre_activations  z1, z2, ... of the layers after the input, or None for a layer
    gradients        dx, da1, ..., dy, written under the nodes, or None for a layer
    weights          W1 (n_in, n_out), W2, ...: blue edges positive, orange negative
    biases           b1 (n_out,), b2, ..., written over the nodes
    weight_gradients, bias_gradients   like weights and biases
    highlight        edges (layer, i, j) and nodes (layer, i) to mark; input layer 0

    A hidden unit whose value is 0 passes nothing on and is drawn in grey.
    """
    centres, gap = _layout(sizes)
    inch = 8 / _width(ax)  # units of the sheet to an inch of the figure
    font = max(10 * min(1, gap / 1.3) / max(inch, 1), 7)
    line = 0.0175 * font * inch  # height of a line of text, on the sheet
    radius = min(0.4, 0.3 * gap)
    marked = {tuple(m) for m in highlight or ()}
    dead = [np.zeros(n, bool) for n in sizes]
    for k in range(1, len(sizes) - 1):
        dead[k] = np.ravel(values[k]) == 0 if values is not None else dead[k]
    for k, ends in enumerate(pairwise(centres)):
        W = None if weights is None else weights[k]
        dW = None if weight_gradients is None else weight_gradients[k]
        off = dead[k][:, None] | dead[k + 1]
        _draw_edges(ax, k, *ends, W, dW, off, marked, font, line)

    last = len(sizes) - 1
    for k, i in [(k, i) for k, n in enumerate(sizes) for i in range(n)]:
        name = {0: "x", last: output_name}.get(k, "a")
        name += str(i + 1) if name != "a" and sizes[k] > 1 else ""
        name = input_names[i] if input_names and k == 0 else name
        value, slope = _entry(values, k, i), _entry(gradients, k, i)
        z, b, db = (
            _entry(arrays, k - 1, i) if k else ""
            for arrays in (pre_activations, biases, bias_gradients)
        )
        inside = [f"z {z}", f"{name} {value}"] if z else [name, value]
        above = [(b and f"b {b}", INK), (db and f"db {db}", GRADIENT)]
        above = [(text, color) for text, color in above if text]
        _draw_node(ax, centres[k][i], radius, dead[k][i], (k, i) in marked)
        _stack(ax, centres[k][i], [(t, INK) for t in inside if t], font, line)
        rim = radius + (0.14 if (k, i) in marked else 0.06)
        over = rim + line * len(above) / 2
        _stack(ax, centres[k][i] + [0, over], above, font, line)
        if slope:
            under = centres[k][i] - [0, rim + line / 2]
            _stack(ax, under, [(f"d{name} {slope}", GRADIENT)], font, line)
    _blank(ax, (0, 8), (0, 5), title)
    if any(g is not None for g in (gradients, weight_gradients, bias_gradients)):
        key = {"fontsize": font, "fontweight": "bold", "color": _ink(GRADIENT)}
        ax.set_title("derivative of the loss", loc="right", **key)


def _layout(sizes):
    """Centres of the nodes, one (n, 2) array a layer, on a sheet of 8 x 5; the gap."""
    gap = min(1.75, 5 / max(sizes))
    rows = [2.47 + gap * ((n - 1) / 2 - np.arange(n)) for n in sizes]
    columns = np.linspace(0.5, 7.5, len(sizes))
    columns = [np.full(len(r), c) for c, r in zip(columns, rows, strict=True)]
    return [np.stack(xy, axis=1) for xy in zip(columns, rows, strict=True)], gap


def _entry(arrays, k, i):
    """Entry i of the k-th array as text, or nothing where there is no array."""
    if arrays is None or arrays[k] is None:
        return ""
    return _number(np.ravel(arrays[k])[i])


def _draw_edges(ax, layer, left, right, W, dW, off, marked, font, line):
    """The edges between two columns of nodes, W and dW (n_in, n_out) on them."""
    pairs = [(i, j) for i in range(len(left)) for j in range(len(right))]
    edges = np.array([[left[i], right[j]] for i, j in pairs])
    lines = [(M, c) for M, c in ((W, INK), (dW, GRADIENT)) if M is not None]
    texts = [[(_number(M[i][j]), color) for M, color in lines] for i, j in pairs]
    longest = max((len(text) for rows in texts for text, _ in rows), default=1)
    box = np.array([0.5 * line * (longest + 1.2), 1.1 * line * max(len(lines), 1)])
    spots = _label_points(edges, 1.1 * box)
    largest = 1 if W is None else np.abs(W).max() or 1
    for (i, j), edge, spot, rows in zip(pairs, edges, spots, texts, strict=True):
        w = 0 if W is None else W[i][j]
        color = _tint(COLORS["blue" if w > 0 else "orange"], 0.75)
        color = PALE if off[i, j] or w == 0 else color
        if (layer, i, j) in marked:
            ax.plot(*edge.T, color=COLORS["yellow"], lw=11, zorder=0.5)
        ax.plot(*edge.T, color=color, lw=1 + 3 * abs(w) / largest, zorder=1)
        if rows:
            size = box * [(max(len(t) for t, _ in rows) + 1.2) / (longest + 1.2), 1]
            paper = {"fc": "white", "ec": "none", "zorder": 2}
            ax.add_patch(Rectangle(spot - size / 2, *size, **paper))
            _stack(ax, spot, rows, font, line)


def _label_points(edges, box):
    """A point on each edge, away from the other labels and the other edges.

    edges (m, 2, 2) start and end    box (width, height) of a label    -> (m, 2)
    """
    t = np.linspace(0.2, 0.65, 41)[:, None]
    along = np.linspace(0, 1, 101)[:, None]
    placed = np.zeros((0, 2))
    for k, (start, end) in enumerate(edges):
        spots = start + t * (end - start)  # (41, 2)
        others = np.delete(edges, k, axis=0)[:, :, None]
        others = (others[:, 0] + along * (others[:, 1] - others[:, 0])).reshape(-1, 2)
        labels = (np.abs(spots[:, None] - placed) / box).max(axis=2)
        lines = np.linalg.norm((spots[:, None] - others) / box, axis=2)
        score = 10 * labels.min(axis=1, initial=1)  # from 1 on they do not touch
        score += lines.min(axis=1, initial=1.1) - 0.2 * np.abs(t[:, 0] - 0.5)
        placed = np.vstack([placed, spots[score.argmax()]])
    return placed


def _draw_node(ax, centre, radius, dead, marked):
    """One circle: grey when its unit is dead, with a yellow ring when marked."""
    if marked:
        ax.add_patch(Circle(centre, radius + 0.09, color=COLORS["yellow"], zorder=2))
    face, edge = ("#ECECEC", "#AAAAAA") if dead else ("white", INK)
    ax.add_patch(Circle(centre, radius, fc=face, ec=edge, lw=1.5, zorder=3))


def _stack(ax, centre, lines, font, height):
    """Lines of text, pairs (text, color), one below the other around a point."""
    for k, (text, color) in enumerate(lines):
        y = centre[1] + height * ((len(lines) - 1) / 2 - k)
        kind = {"fontsize": font, "color": _ink(color), "va": "center_baseline"}
        kind["fontweight"] = "bold" if color == GRADIENT else "normal"
        ax.text(centre[0], y, text, ha="center", zorder=4, **kind)


# ---------------------------------------------------------------- shapes


def ribbon(ax, steps, *, backward=None):
    """The ribbon of shapes: arrays as boxes, operations as arrows between them.

    steps     pairs (label, shape) for an array and (label, None) for an operation;
              a box grows with the logarithm of its rows and columns, and ("", None)
              beside an operation makes its arrow longer; the last is an array
    backward  the same for the way back, in the order in which it is computed: drawn
              below from right to left, box under box when the rows are equally long
    """
    rows = [list(steps)] + ([list(backward)[::-1]] if backward else [])
    sizes = [[_ribbon_size(label, shape) for label, shape in row] for row in rows]
    if len(rows) == 2 and len(rows[0]) == len(rows[1]):
        wide = [max(a[0], b[0]) for a, b in zip(*sizes, strict=True)]
        slots = [wide, wide]
    else:
        slots = [[w for w, _ in row] for row in sizes]
    total = max(sum(row) for row in slots)
    font = 10 * min(1, _width(ax) / total)
    for k, row in enumerate(rows):
        x, y, words = (total - sum(slots[k])) / 2, -1.4 * k, []
        for (label, shape), (w, h), slot in zip(row, sizes[k], slots[k], strict=True):
            mid = x + slot / 2
            if shape is None:
                words.append((x, label))
            else:
                if words:
                    (tail, *_), labels = zip(*words, strict=True)
                    _arrow(ax, tail + 0.08, x - 0.08, y, "".join(labels), font, k)
                    words = []
                face = _tint(COLORS["vermillion" if k else "blue"], 0.18)
                edge = COLORS["vermillion" if k else "blue"]
                corner = (mid - w / 2, y - h / 2)
                ax.add_patch(Rectangle(corner, w, h, fc=face, ec=edge, lw=1.2))
                ax.text(mid, y, label, ha="center", va="center", fontsize=font)
                text = str(tuple(shape)) if shape else "number"
                kind = {"color": "#666666", "fontsize": 0.9 * font}
                ax.text(mid, y - h / 2 - 0.05, text, ha="center", va="top", **kind)
            x += slot
    _blank(ax, (-0.05, total + 0.05), (-1.4 * (len(rows) - 1) - 0.7, 0.55))


def _ribbon_size(label, shape):
    """Width and height, in inches at font size 10, of a box or an arrow."""
    if label == "":
        return 0.0, 0.0
    if shape is None:
        return 0.3 + 0.08 * max(len(line) for line in label.split("\n")), 0.0
    rows, columns = (1, 1, *shape)[-2:]
    w, h = (min(0.3 + 0.07 * np.log2(max(n, 1)), 0.9) for n in (columns, rows))
    text = max(0.12 + 0.09 * len(label), 0.075 * len(str(tuple(shape))))
    return max(w, text), h


def _arrow(ax, left, right, y, label, font, backward):
    """An arrow with its operation written over it; backward ones point left."""
    ends = ((left, y), (right, y)) if backward else ((right, y), (left, y))
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", *ends, arrowprops=arrow)
    kind = {"ha": "center", "va": "bottom", "fontsize": 0.95 * font}
    ax.text((left + right) / 2, y + 0.06, label, **kind)


# ---------------------------------------------------------------- matrices


def heatmap(
    ax,
    M,
    *,
    row_names=None,
    column_names=None,
    fmt="{:.2f}",
    cmap=None,
    symmetric=False,
    title="",
):
    """A matrix (rows, columns) as colours, each entry written in its cell.

    symmetric: zero is white, the same shade of red and blue equally far from it.
    fmt: how an entry is written, or None for no text.
    """
    M = np.asarray(M, float)
    largest = np.nanmax(np.abs(M)) or 1
    limits = {"vmin": -largest, "vmax": largest} if symmetric else {}
    cmap = cmap or (DIVERGING if symmetric else "Blues")
    image = ax.imshow(M, cmap=cmap, aspect="auto", **limits)
    _cells(ax, M.shape, row_names, column_names)
    ax.set_title(title)
    for (i, j), v in np.ndenumerate(M):
        if fmt is None or np.isnan(v):
            continue
        _write(ax, i, j, fmt.format(v + 0.0).replace("-", "−"), image, v)


def _write(ax, i, j, text, image, v, **kind):
    """Text in cell i, j of an image: white where the colour of v is dark."""
    dark = _luminance(image.cmap(image.norm(v))[:3]) < 0.21
    kind |= {"ha": "center", "va": "center", "color": "white" if dark else INK}
    ax.text(j, i, text, **kind)


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


def confusion(ax, matrix, names):
    """A confusion matrix (k, k) of counts, rows the truth, columns the prediction.

    The mistakes are shaded by their share of the row; the diagonal is only grey.
    """
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right = np.eye(len(matrix), dtype=bool)
    top = max(share[~right].max(initial=0), 0.01)
    share[right] = np.nan  # left to the grey of the axes
    image = ax.imshow(share, cmap="Oranges", vmin=0, vmax=1.3 * top)
    ax.set_facecolor("#E4E4E4")
    _cells(ax, matrix.shape, list(names), list(names))
    font = min(10, 90 / max(len(matrix), 1))
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            shade = 0 if i == j else share[i, j]
            _write(ax, i, j, f"{int(count)}", image, shade, fontsize=font)
    ax.set(xlabel="predicted", ylabel="truth")


# ---------------------------------------------------------------- training


def loss_curve(ax, history, *, xlabel="epoch", ylabel="loss", logy=False):
    """One line for each name: numbers of `history`, named at its right end.

    history: a dict name -> sequence of numbers, or one sequence without a name
    """
    named = history if isinstance(history, dict) else {"": history}
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if logy else "linear")
    for name, numbers in named.items():
        steps = np.arange(1, len(numbers) + 1)
        (line,) = ax.plot(steps, numbers)
        if name and len(numbers):
            _end_label(ax, steps[-1], numbers[-1], name, line.get_color())


def band(ax, x, runs, label, color):
    """The median of several runs (s, m) over x (m,), with their lowest and highest."""
    runs = np.asarray(runs)
    middle = np.median(runs, axis=0)
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2, lw=0)
    ax.plot(x, middle, color=color)
    _end_label(ax, x[-1], middle[-1], label, color)


def bars(ax, names, values, *, errors=None, fmt="{:.2f}"):
    """Horizontal bars, first on top, each with its number at the end.

    values (k,)    errors (k,), or (2, k) below and above, or None
    """
    values = np.asarray(values, float)
    rows = np.arange(len(values))
    kind = {"ecolor": "#555555", "error_kw": {"lw": 1.5}}
    ax.barh(rows, values, xerr=errors, height=0.7, color=COLORS["sky"], **kind)
    low, high = np.broadcast_to(0 if errors is None else errors, (2, len(values)))
    for row, v in zip(rows, values, strict=True):
        end, side = (v - low[row], -1) if v < 0 else (v + high[row], 1)
        text = {"textcoords": "offset points", "va": "center"}
        text["ha"] = "left" if side > 0 else "right"
        ax.annotate(fmt.format(v).replace("-", "−"), (end, row), (4 * side, 0), **text)
    ax.set_yticks(rows, names)
    ax.invert_yaxis()
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.12)
    ax.set_xticks([])
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.axvline(0, color="#888888", lw=1)


def histograms(axes, arrays, titles, *, bins=50, range=None, color=COLORS["blue"]):
    """One histogram for each array (any shape), its mean and spread written in it."""
    axes = np.ravel(axes)
    for ax, array, title in zip(axes, arrays, titles, strict=False):
        numbers = np.ravel(array)
        ax.hist(numbers, bins=bins, range=range, color=color, lw=0)
        text = f"mean {_number(numbers.mean())}\nstd {_number(numbers.std())}"
        ax.set(title=title, yticks=[])
        ax.margins(y=0.35)
        kind = {"transform": ax.transAxes, "ha": "right", "va": "top"}
        ax.text(0.99, 0.98, text, fontsize=9, color="#444444", **kind)
        ax.grid(False)
        ax.spines["left"].set_visible(False)


# ---------------------------------------------------------------- functions


def decision_boundary(ax, predict, x, y, *, resolution=150, margin=0.4, title=""):
    """The class that `predict` gives each point of the plane, and the data on it.

    predict: (m, 2) -> classes (m,) or scores (m, k), k > 1    x (n, 2)    y (n,)
    """
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    u, v = (np.linspace(low[d], high[d], resolution) for d in (0, 1))
    points = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    out = np.asarray(predict(points))
    classes = out.argmax(axis=1) if out.ndim == 2 else out.astype(int)
    if out.shape[1:] == (1,) or (out.ndim == 1 and (out != classes).any()):
        raise ValueError("predict: classes (m,) or scores (m, k > 1), not one score")
    tints = np.array([_tint(c, 0.28) for c in CLASS_CMAP.colors])
    area = tints[classes].reshape(resolution, resolution, 3)
    extent = (low[0], high[0], low[1], high[1])
    kind = {"origin": "lower", "aspect": "auto", "interpolation": "bilinear"}
    ax.imshow(area, extent=extent, **kind)
    colors = np.array(CLASS_CMAP.colors)[np.asarray(y, int)]
    ax.scatter(*x.T, c=colors, s=22, edgecolors="white", linewidths=0.7)
    ax.set(xlabel="x1", ylabel="x2", title=title)
    ax.grid(False)


def function_and_derivative(ax, x, f, df, name):
    """f and f' over x (m,), each a function or its values (m,); jumps are left open."""
    kinds = ((f, name, "blue", "-"), (df, f"{name}'", "vermillion", "--"))
    for g, label, color, dash in kinds:
        y = np.array(g(x) if callable(g) else g, float)
        end = y[-1]
        jump = np.abs(np.diff(y, prepend=y[0])) > 0.3 * max(np.ptp(y), 1e-12)
        ax.plot(x, np.where(jump, np.nan, y), dash, color=COLORS[color])
        _end_label(ax, x[-1], end, label, COLORS[color])
    ax.axhline(0, color="#888888", lw=0.8, zorder=0.5)
    ax.axvline(0, color="#888888", lw=0.8, zorder=0.5)
    ax.set(xlabel="z")


def contour_path(ax, f, paths, *, xlim, ylim, levels=20, minimum=None):
    """Level lines of f(w1, w2) and the paths of optimizers down it, a dot a step.

    f works on arrays    paths (steps, 2), or a dict name -> (steps, 2)
    minimum: the point (2,) marked with a star, or None for the lowest one drawn
    """
    w1, w2 = np.meshgrid(np.linspace(*xlim, 201), np.linspace(*ylim, 201))
    height = f(w1, w2)
    ax.contour(w1, w2, height, levels=levels, cmap="Greys_r", linewidths=0.8)
    lowest = np.unravel_index(height.argmin(), height.shape)
    star = (w1[lowest], w2[lowest]) if minimum is None else minimum
    ax.plot(*star, "*", color=INK, ms=13, zorder=5)
    ax.set(xlim=xlim, ylim=ylim, xlabel="w1", ylabel="w2")
    ax.grid(False)
    named = paths if isinstance(paths, dict) else {"": paths}
    for (name, path), color in zip(named.items(), COLORS.values(), strict=False):
        path = np.asarray(path)
        ax.plot(*path.T, "o-", color=color, ms=4, lw=1.3, zorder=4, label=name)
        ax.plot(*path[0], "o", color=INK, ms=7, zorder=5)
    if isinstance(paths, dict):
        legend = {"loc": "lower right", "ncols": 1 + (len(named) > 4), "framealpha": 1}
        ax.legend(fontsize=0.9 * plt.rcParams["font.size"], **legend).set_zorder(6)


# ---------------------------------------------------------------- images


def image_grid(
    images,
    titles=None,
    *,
    columns=10,
    cmap="gray_r",
    size=28,
    symmetric=False,
    title_colors=None,
):
    """A figure of small pictures; returns it.

    images (n, size * size) or (n, size, size)    titles, title_colors: n each
    symmetric: zero is white, for weights; one scale for all pictures
    """
    images = np.asarray(images).reshape(-1, size, size)
    columns = min(columns, max(len(images), 1))
    rows = -(-len(images) // columns)
    lines = [str(t).split("\n") for t in ([] if titles is None else titles)]
    longest = max((len(line) for text in lines for line in text), default=0)
    cell = min(max(0.8, 0.075 * longest), 8 / columns)  # inches
    limits = {}
    if symmetric:
        largest = np.abs(images).max() or 1
        cmap, limits = DIVERGING, {"vmin": -largest, "vmax": largest}
    above = 0.1 + 0.14 * max(map(len, lines)) if lines else 0
    figsize = (columns * cell, rows * (cell + above))
    fig, axes = plt.subplots(rows, columns, figsize=figsize, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for k, image in enumerate(images):
        ax = axes.flat[k]
        ax.imshow(image, cmap=cmap, **limits)
        if titles is not None:
            color = _ink(title_colors[k]) if title_colors is not None else INK
            ax.set_title(titles[k], fontsize=8, loc="center", color=color, pad=2)
    return fig


def curves(ax, x, named, *, xlabel="", ylabel="", title=""):
    """One line over x (m,) for each name -> numbers (m,), named at its right end."""
    for name, numbers in named.items():
        (line,) = ax.plot(x, numbers)
        _end_label(ax, x[-1], numbers[-1], name, line.get_color())
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
