"""Diagrams: a small network, its computational graph, and matrix products.

Like the functions of `figures`, they draw on the axes they are given.
"""

from itertools import pairwise

import numpy as np
from matplotlib.artist import setp
from matplotlib.patches import Circle, Rectangle

from nbhelpers.figures import COLORS, INK, text_color, tint

SLOPE = text_color(COLORS["vermillion"])  # of derivatives

# ---------------------------------------------------------------- the network

# Units of a sheet of 8 by 5, which are inches in a figure of that size.
FONT, LINE = 9.7, 0.175  # size of the text in points, height of a line
RADIUS = 0.4  # of a node


def draw_network(
    ax,
    sizes,
    *,
    values,
    pre_activations,
    weights,
    biases,
    gradients=None,
    weight_gradients=None,
    bias_gradients=None,
    output_name: str,
    highlight=(),
    title: str,
):
    """A small network with every number on it; made for figsize (8, 5).

    sizes            units a layer, three at most, such as (2, 3, 1)
    values           one (n,) array a layer: x, a1, ..., y, written in the nodes
    pre_activations  z1, z2, ... of the layers after the input, or None for a layer
    weights          W1 (n_in, n_out), W2, ...: blue edges positive, orange negative
    biases           b1 (n_out,), b2, ..., written over the nodes
    gradients        dx, da1, ..., dy, written under the nodes, or None for a layer
    weight_gradients, bias_gradients   like weights and biases
    highlight        edges (layer, i, j) and nodes (layer, i) to mark; input layer 0

    A hidden unit whose value is 0 passes nothing on and is drawn in grey.
    """
    last = len(sizes) - 1
    centres = _centres(sizes)
    dead = [(np.ravel(a) == 0) & (0 < k < last) for k, a in enumerate(values)]
    for k, ends in enumerate(pairwise(centres)):
        dW = None if weight_gradients is None else weight_gradients[k]
        off = dead[k][:, None] | dead[k + 1]
        marked = {edge[1:] for edge in highlight if edge[0] == k}
        _draw_edges(ax, *ends, np.asarray(weights[k]), dW, off, marked)
    for k, i in [(k, i) for k, n in enumerate(sizes) for i in range(n)]:
        name = {0: "x", last: output_name}.get(k, "a")
        name += str(i + 1) if name != "a" and sizes[k] > 1 else ""
        value = f"{name} {_number(values[k][i])}"
        z = _entry("z", pre_activations, k - 1, i)
        x, y = centres[k][i]
        marked = (k, i) in highlight
        _draw_node(ax, (x, y), dead[k][i], marked)
        inside = [z, value] if z else value.split()
        _write(ax, x, y, [(text, INK) for text in inside])
        rim = RADIUS + (0.14 if marked else 0.06)
        b = _entry("b", biases, k - 1, i), INK
        db = _entry("db", bias_gradients, k - 1, i), SLOPE
        _write(ax, x, y + rim, [b, db], side=1)
        da = _entry(f"d{name}", gradients, k, i), SLOPE
        _write(ax, x, y - rim, [da], side=-1)
    _blank(ax, (0, 8), (0, 5))
    ax.set_title(title)
    if gradients is not None:
        key = {"fontsize": FONT, "fontweight": "bold", "color": SLOPE}
        ax.set_title("derivative of the loss", loc="right", **key)


def _centres(sizes):
    """Centres of the nodes, one (n, 2) array a layer."""
    gap = min(1.75, 5 / max(sizes))
    columns = np.linspace(0.5, 7.5, len(sizes))
    return [
        np.array([(x, 2.47 + gap * ((n - 1) / 2 - i)) for i in range(n)])
        for x, n in zip(columns, sizes, strict=True)
    ]


def _number(v):
    """Up to three decimals, no trailing zeros; a tiny number is not shown as 0."""
    if v != 0 and abs(v) < 5e-4:
        return f"{v:.0e}".replace("e-0", "e-").replace("-", "−")
    return f"{v:z.3f}".rstrip("0").rstrip(".").replace("-", "−")


def _entry(name, arrays, k, i):
    """A name and entry i of the k-th array, or nothing where there is no array."""
    if arrays is None or k < 0 or arrays[k] is None:
        return ""
    return f"{name} {_number(arrays[k][i])}"


def _draw_edges(ax, left, right, W, dW, off, marked):
    """The edges between two columns of nodes, W and dW (n_in, n_out) on them."""
    pairs = list(np.ndindex(W.shape))
    edges = np.array([(left[i], right[j]) for i, j in pairs])
    labels = [[(_number(W[i, j]), INK)] for i, j in pairs]
    if dW is not None:
        for label, (i, j) in zip(labels, pairs, strict=True):
            label.append((_number(dW[i, j]), SLOPE))
    longest = [max(len(text) for text, _ in label) for label in labels]
    boxes = [(0.5 * LINE * (n + 1.2), 1.1 * LINE * len(labels[0])) for n in longest]
    spots = _label_points(edges, 1.1 * np.max(boxes, axis=0))
    largest = np.abs(W).max() or 1
    for pair, edge, spot, box, label in zip(
        pairs, edges, spots, boxes, labels, strict=True
    ):
        w = W[pair]
        color = tint(COLORS["blue" if w > 0 else "orange"], 0.75)
        color = "#D0D0D0" if off[pair] or w == 0 else color
        if pair in marked:
            ax.plot(*edge.T, color=COLORS["yellow"], lw=11, zorder=0.5)
        ax.plot(*edge.T, color=color, lw=1 + 3 * abs(w) / largest, zorder=1)
        corner = spot - np.array(box) / 2
        ax.add_patch(Rectangle(corner, *box, fc="white", ec="none", zorder=2))
        _write(ax, *spot, label)


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


def _draw_node(ax, centre, dead, marked):
    """One circle: grey when its unit is dead, with a yellow ring when marked."""
    if marked:
        ax.add_patch(Circle(centre, RADIUS + 0.09, color=COLORS["yellow"], zorder=2))
    face, edge = ("#ECECEC", "#AAAAAA") if dead else ("white", INK)
    ax.add_patch(Circle(centre, RADIUS, fc=face, ec=edge, lw=1.5, zorder=3))


def _write(ax, x, y, lines, side=0):
    """Lines of text, pairs (text, color), around a point, above (1) or below (-1)."""
    lines = [line for line in lines if line[0]]
    top = y + LINE * (len(lines) * (1 + side) - 1) / 2
    for k, (text, color) in enumerate(lines):
        kind = {"fontsize": FONT, "fontweight": "bold" if color == SLOPE else "normal"}
        place = {"ha": "center", "va": "center_baseline", "zorder": 4}
        ax.text(x, top - k * LINE, text, color=color, **kind, **place)


def _blank(ax, xlim, ylim):
    """Axes as a sheet of paper: no ticks or frame, one unit as high as it is wide."""
    ax.set(xlim=xlim, ylim=ylim, aspect="equal")
    ax.set_axis_off()


def corner_product(ax, left, right, names, axes, colors, entry, at=(0, 0)):
    """A matrix product in corner layout: `right` stands above, the product below it.

    left (m, s)    right (s, p)    every cell is one unit of the axes wide and high
    names, colors  of left, right and product    at: where the product's corner is
    axes           what the product's rows, the summed index and the columns count
    entry          (row, column) of the product whose sum is framed and written out

    Quarter circles join each column of `left` with the row of `right` that it meets.
    """
    (m, s), p, gap = left.shape, right.shape[1], 0.3
    corners = [(-gap - s, 0), (0, -gap - s), (0, 0)]
    for name, color, M, corner in zip(
        names, colors, (left, right, left @ right), corners, strict=True
    ):
        _corner_cells(ax, name, tint(color, 0.3), M, np.add(at, corner))
    quarter = np.linspace(0.06, np.pi / 2 - 0.06, 40)
    circle = np.stack([-np.cos(quarter), -np.sin(quarter)], axis=1)
    for radius in gap + 0.5 + np.arange(s):
        ax.plot(*(at + radius * circle).T, color=COLORS["orange"], lw=2)
    i, j = entry
    for x, y, width, height in (
        (-gap - s, i, s, 1), (j, -gap - s, 1, s), (j, i, 1, 1),
    ):  # fmt: skip
        place = np.add(at, (x, y))
        kind = {"fill": False, "ec": INK, "lw": 2, "zorder": 4}
        ax.add_patch(Rectangle(place, width, height, **kind))
    pairs = zip(left[i], right[:, j], strict=True)
    terms = " + ".join(f"{_signed(a)}·{_signed(b)}" for a, b in pairs)
    words = [
        (-gap - s - 0.15, m / 2, axes[0], INK, 90, "right", "center"),
        (p / 2, -gap - s - 0.1, axes[2], INK, 0, "center", "bottom"),
        (-0.5, -gap - s + 0.35, f"sum over\n{axes[1]}", text_color(COLORS["orange"]), 0)
        + ("right", "bottom"),
        ((p - gap - s) / 2, m + 0.75, f"{_number((left @ right)[i, j])} = {terms}", INK)
        + (0, "center", "top"),
        (-gap - s / 2, m + 0.1, f"{names[0]} {left.shape}", INK, 0, "center", "top"),
        (p / 2, m + 0.1, f"{names[2]} {m, p}", INK, 0, "center", "top"),
        (
            p / 2,
            -gap - s - 0.6,
            f"{names[1]} {right.shape}",
            INK,
            0,
            "center",
            "bottom",
        ),
    ]
    for x, y, text, color, turn, ha, va in words:
        kind = {"color": color, "rotation": turn, "ha": ha, "va": va}
        ax.text(at[0] + x, at[1] + y, text, **kind)


def _signed(v):
    """A number as a factor: a negative one in brackets."""
    return f"({_number(v)})" if v < 0 else _number(v)


def _corner_cells(ax, name, color, M, corner):
    """The cells of a matrix, one unit each, `corner` being its upper left one."""
    for (i, j), v in np.ndenumerate(M):
        x, y = corner[0] + j, corner[1] + i
        ax.add_patch(Rectangle((x, y), 1, 1, fc=color, ec="white", lw=1.5, zorder=2))
        kind = {"ha": "center", "va": "center", "zorder": 3, "gid": (name, i, j)}
        ax.text(x + 0.5, y + 0.5, _number(v), **kind)


def written(ax, name):
    """The numbers that `corner_product` wrote into the cells of a matrix."""
    cells = [t for t in ax.texts if t.get_gid() and t.get_gid()[0] == name]
    shape = [max(t.get_gid()[k] for t in cells) + 1 for k in (1, 2)]
    M = np.full(shape, np.nan)
    for text in cells:
        M[text.get_gid()[1:]] = float(text.get_text().replace("−", "-"))
    return M


def three_products(ax, x, W, dz):
    """x W, x.T dz and dz W.T of a layer in corner layout, drawn to one scale."""
    n, n_in, n_out = *x.shape, W.shape[1]
    tint = {"x": "blue", "W": "green", "dz": "purple", "product": "grey"}
    tint = {name: COLORS[color] for name, color in tint.items()}
    counts = {"i": "i: samples", "k": "k: inputs", "j": "j: units"}
    place, tallest = 0, max(n, n_in, n_out)
    for title, left, right, product, letters, entry in (
        ("z = x W + b", ("x", x), ("W", W), "x W", "ikj", (0, n_out - 1)),
        ("dW = x.T dz", ("x.T", x.T), ("dz", dz), "dW", "kij", (0, n_out - 1)),
        ("dx = dz W.T", ("dz", dz), ("W.T", W.T), "dx", "ijk", (n - 1, n_in - 1)),
    ):
        (one, M), (two, N) = left, right
        colors = [tint[name.removesuffix(".T")] for name in (one, two, "product")]
        place += M.shape[1]
        words = [counts[letter] for letter in letters]
        before = len(ax.lines)
        corner_product(ax, M, N, (one, two, product), words, colors, entry, (place, 0))
        setp(ax.lines[before:], gid=letters[1])
        kind = {"fontsize": 12, "fontweight": "bold"}
        ax.text(place - M.shape[1] - 0.3, -tallest - 2, title, **kind)
        place += N.shape[1] + 2.2
    _blank(ax, (-1.2, place - 1.4), (max(n, n_in) + 1.3, -tallest - 2.6))


# ---------------------------------------------------------------- the graph

PALE = "#D0D0D0"  # where no gradient passes


def _graph_places():
    """Where the nodes of a 2-3-1 network stand on a sheet of 9 by 5.6, by name."""
    places = {"z2_1": (6.75, 2.8), "b2_1": (6.75, 0.7), "L": (8.55, 2.8)}
    for j, middle in enumerate((4.6, 2.8, 1.0), 1):
        leaves = (f"W1_1{j}", f"W1_2{j}", f"b1_{j}")
        for name, above in zip(leaves, (0.57, 0, -0.57), strict=True):
            places[name] = 0.62, middle + above
        places |= {f"z1_{j}": (2.9, middle), f"a1_{j}": (4.7, middle + 0.3)}
        places[f"W2_{j}"] = 4.7, middle - 0.4
    return places


def draw_graph(ax, x, values, gradients, *, lit=(), title=""):
    """The computational graph of a pass through a 2-3-1 network; for figsize (9, 5.6).

    x (2,)             the sample; its numbers are slopes of the first edges
    values, gradients  numbers by name: W1_11 ... b2_1, z1_1 ..., a1_1 ..., z2_1, L
    lit                the names of nodes on a path that is marked in yellow

    In each box the value stands above, the gradient below; on an edge its local slope.
    A box or an edge through which no gradient passes is grey. Each text has a gid, such
    as "value W1_21", "gradient W1_21" and, of an edge, "slope W1_21".
    """
    places, half = _graph_places(), (0.6, 0.24)
    slopes, ends = {"z2_1": gradients["z2_1"], "b2_1": 1}, {"z2_1": "L", "b2_1": "z2_1"}
    for j in "123":
        slopes |= {f"W1_1{j}": x[0], f"W1_2{j}": x[1], f"b1_{j}": 1}
        slopes |= {f"z1_{j}": int(values[f"z1_{j}"] > 0), f"a1_{j}": values[f"W2_{j}"]}
        slopes[f"W2_{j}"] = values[f"a1_{j}"]
        ends |= dict.fromkeys((f"W1_1{j}", f"W1_2{j}", f"b1_{j}"), f"z1_{j}")
        ends |= {f"z1_{j}": f"a1_{j}", f"a1_{j}": "z2_1", f"W2_{j}": "z2_1"}
    for name, end in ends.items():
        (x0, y0), (x1, y1) = places[name], places[end]
        up = x0 == x1  # from below into a box, else from left to right
        line = [x0 + (not up) * half[0], x1 - (not up) * half[0]], [y0, y1]
        flat = gradients[name] == 0
        if name in lit and end in lit:
            ax.plot(*line, color=COLORS["yellow"], lw=9, zorder=0.5)
        ax.plot(*line, color=PALE if flat else "#666666", lw=1.3, zorder=1)
        t = 0.5 if up or name[0] == "z" else 0.3 if name[:2] == "W2" else 0.4
        spot = [start + t * (stop - start) for start, stop in line]
        _graph_text(ax, spot, slopes[name], f"slope {name}", COLORS["blue"], flat)
    for name, (left, low) in places.items():
        flat = gradients[name] == 0
        edge = COLORS["yellow"] if name in lit else PALE if flat else INK
        corner, size = (left - half[0], low - half[1]), (2 * half[0], 2 * half[1])
        kind = {"fc": "#F4F4F4" if flat else "white", "ec": edge, "zorder": 2}
        ax.add_patch(Rectangle(corner, *size, lw=3.5 if name in lit else 1, **kind))
        _graph_text(ax, (left, low + 0.11), values[name], f"value {name}", INK, flat)
        spot = left, low - 0.11
        _graph_text(ax, spot, gradients[name], f"gradient {name}", SLOPE, flat)
    _blank(ax, (0, 9.2), (0.1, 5.6))
    ax.set_title(title)
    for place, word, color in ((6.2, "value", INK), (7, "gradient", SLOPE)):
        ax.text(place, 5.35, word, color=text_color(color), fontsize=10, weight="bold")
    ax.text(8, 5.35, "local slope", color=text_color(COLORS["blue"]), fontsize=10)


def _graph_text(ax, spot, number, gid, color, flat):
    """A number of the graph: values with their names, gradients bold, slopes alone."""
    kind, name = gid.split()
    text = f"{number:z.4f}".rstrip("0").rstrip(".").replace("-", "−")
    text = f"{name}  {text}" if kind == "value" else text
    ink = "#8A8A8A" if flat and kind != "value" else text_color(color)
    look = {"color": ink, "fontsize": 9, "ha": "center", "va": "center_baseline"}
    look |= {"weight": "bold"} if kind == "gradient" else {}
    if kind == "slope":
        look["bbox"] = {"fc": "white", "ec": "none", "pad": 1}
    ax.text(*spot, text, gid=gid, zorder=4, **look)
