"""The diagrams, read back: which number stands where, and what leads to what."""

from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle

from nbhelpers.diagrams import (
    PALE,
    RADIUS,
    SLOPE,
    _number,
    corner_product,
    draw_graph,
    draw_network,
    three_products,
    written,
)
from nbhelpers.figures import COLORS, INK, tint
from pictures import assert_apart, assert_colors, fixed, texts

# Like the network of notebook 01, but no number stands twice; hidden unit 2 is dead.
UNITS = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0)]
W1, W2 = fixed([[0.5, -0.3, 0], [0.22, 0.4, -0.6]]), fixed([[0.7], [-0.55], [0.3]])
dW1 = fixed([[-0.294, 0.001, -0.126], [0.588, 0.002, 0.252]])
dW2 = fixed([[-0.084], [0.003], [-0.84]])
FORWARD = {
    "values": [fixed([1, -2]), fixed([0.2, 0, 2.1]), fixed([0.79])],
    "pre_activations": [fixed([0.2, -1.3, 2.1]), None],
    "weights": [W1, W2],
    "biases": [fixed([0.1, -0.25, 0]), fixed([0.05])],
}
BACKWARD = {
    "gradients": [None, fixed([-0.29, 0.23, -0.13]), fixed([-0.42])],
    "weight_gradients": [dW1, dW2],
    "bias_gradients": [fixed([-0.295, 0.004, -0.127]), fixed([-0.421])],
}
NAMES = {"output_name": "y", "title": "Before"}


def nodes(ax):
    """The circles by layer, from left to right, and by unit, from top to bottom."""
    circles = [p for p in ax.patches if isinstance(p, Circle) and p.radius == RADIUS]
    circles.sort(key=lambda circle: (circle.center[0], -circle.center[1]))
    columns = Counter(circle.center[0] for circle in circles)
    assert list(columns.values()) == [2, 3, 1]
    return dict(zip(UNITS, circles, strict=True))


def edges(ax):
    """Of each edge its layer and units, its two ends, its weight and its slope."""
    centres = {unit: np.array(node.center) for unit, node in nodes(ax).items()}
    for k, (W, dW) in enumerate([(W1, dW1), (W2, dW2)]):
        for i, j in np.ndindex(W.shape):
            yield (k, i, j), centres[k, i], centres[k + 1, j], W[i, j], dW[i, j]


def joining(ax, start, end):
    ends = [start.tolist(), end.tolist()]
    return [line for line in ax.lines if line.get_xydata().tolist() == ends]


def assert_slope(text, is_slope):
    kind = text.get_color(), text.get_fontweight()
    assert kind == ((SLOPE, "bold") if is_slope else (INK, "normal"))


def test_the_numbers_of_a_unit_stand_above_in_and_below_its_node(ax):
    draw_network(ax, (2, 3, 1), **FORWARD, **BACKWARD, **NAMES)
    read = {}
    for unit, node in nodes(ax).items():
        x, y = node.center
        column = {y + RADIUS: "|", y - RADIUS: "|"}
        for words, text in texts(ax).items():
            across, up = np.subtract(text.get_position(), (x, y))
            if abs(across) < 1e-9 and abs(up) < 0.83:
                column[y + up] = words
                assert_slope(text, words.startswith("d"))
        read[unit] = " ".join(column[height] for height in sorted(column)[::-1])
    assert read == {
        (0, 0): "| x1 1 |",
        (0, 1): "| x2 −2 |",
        (1, 0): "b 0.1 db −0.295 | z 0.2 a 0.2 | da −0.29",
        (1, 1): "b −0.25 db 0.004 | z −1.3 a 0 | da 0.23",
        (1, 2): "b 0 db −0.127 | z 2.1 a 2.1 | da −0.13",
        (2, 0): "b 0.05 db −0.421 | y 0.79 | dy −0.42",
    }
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 8), (0, 5))
    assert ax.get_title(loc="right") == "derivative of the loss"


def test_a_weight_and_its_slope_stand_on_their_edge(ax):
    draw_network(ax, (2, 3, 1), **FORWARD, **BACKWARD, **NAMES)
    for _, start, end, w, dw in edges(ax):
        upper, lower = texts(ax)[_number(w)], texts(ax)[_number(dw)]
        assert_slope(upper, False)
        assert_slope(lower, True)
        (x, y), (x2, y2) = upper.get_position(), lower.get_position()
        assert x == x2 and y > y2
        way, step = end - start, (x, (y + y2) / 2) - start
        assert step[0] * way[1] == pytest.approx(step[1] * way[0], abs=1e-9)
        assert 0.1 < step @ way / (way @ way) < 0.9


def test_an_edge_shows_the_sign_and_the_size_of_its_weight(ax):
    """Only hidden units can be dead, not an input or output that happens to be 0."""
    state = FORWARD | {"values": [fixed([0, 0]), fixed([1, 0, 2]), fixed([0])]}
    draw_network(ax, (2, 3, 1), **state, **NAMES)
    blue, orange = (tint(COLORS[name], 0.75) for name in ("blue", "orange"))
    colors = dict.fromkeys([(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 2, 0)], blue)
    colors[0, 1, 2] = orange  # the others lead to or from the dead unit, or are 0
    for edge, start, end, w, _ in edges(ax):
        (line,) = joining(ax, start, end)
        assert_colors([line.get_color()], [colors.get(edge, "#D0D0D0")])
        largest = (0.6, 0.7)[edge[0]]
        assert line.get_linewidth() == pytest.approx(1 + 3 * abs(w) / largest)
    faces = [circle.get_facecolor() for circle in nodes(ax).values()]
    assert_colors(faces, [*["white"] * 3, "#ECECEC", *["white"] * 2])
    for text in ax.texts:
        assert_slope(text, False)
    assert (ax.get_title(loc="left"), ax.get_title(loc="right")) == ("Before", "")


def test_what_is_highlighted_has_yellow_behind_it(ax):
    marked = [(0, 1, 0), (1, 0), (1, 2, 0)]
    draw_network(ax, (2, 3, 1), **FORWARD, **NAMES, highlight=marked)
    for edge, start, end, _, _ in edges(ax):
        behind = sorted(joining(ax, start, end), key=lambda line: line.zorder)[:-1]
        colors = [line.get_color() for line in behind if line.get_linewidth() > 4]
        assert colors == [COLORS["yellow"]] * (edge in marked)
    (ring,) = [p for p in ax.patches if isinstance(p, Circle) and p.radius > RADIUS]
    node = nodes(ax)[1, 0]
    assert ring.center == node.center and ring.zorder < node.zorder
    assert_colors([ring.get_facecolor()], [COLORS["yellow"]])


@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 3, 3)])
def test_no_two_numbers_of_a_network_overlap(ax, sizes):
    rng = np.random.default_rng(0)
    _, *hidden, _ = layers = [rng.normal(size=n) for n in sizes]
    W = [rng.normal(size=pair) for pair in pairwise(sizes)]
    numbers = {"values": layers, "pre_activations": [*hidden, None], "weights": W}
    numbers |= {"biases": layers[1:], "gradients": layers, "weight_gradients": W}
    draw_network(ax, sizes, **numbers, bias_gradients=layers[1:], **NAMES)
    assert_apart(ax.figure)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, "0.5"), (-0.0, "0"), (-0.084, "−0.084"), (2, "2"), (100.0, "100")]
    + [(1e-5, "1e−5"), (-2e-12, "−2e−12"), (0.05029, "0.05"), (0.0006, "0.001")],
)
def test_numbers_are_short_and_never_falsely_zero(number, text):
    assert _number(number) == text


def one_pass():
    """The pass of notebook 01 for `draw_graph`: x, values and gradients by name."""
    x, b1, b2 = np.array([1.0, -2]), np.array([0.1, -0.2, 0]), np.array([0.05])
    W1 = np.array([[0.5, -0.3, 0.8], [0.2, 0.4, -0.6]])
    W2 = np.array([[0.7], [-0.5], [0.3]])
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    dz2 = 2 * (z2 - 1)
    da1 = W2 @ dz2
    db1 = da1 * (z1 > 0)
    dW1, dW2, db2 = np.outer(x, db1), np.outer(a1, dz2), dz2
    names = [f"W1_{i}{j}" for i in (1, 2) for j in (1, 2, 3)]
    names += [f"{kind}_{j}" for kind in ("b1", "z1", "a1", "W2") for j in (1, 2, 3)]
    names += ["b2_1", "z2_1", "L"]
    loss = (z2 - 1) ** 2
    values = np.concatenate([W1.ravel(), b1, z1, a1, W2.ravel(), b2, z2, loss])
    slopes = [dW1.ravel(), db1, da1 * (z1 > 0), da1, dW2.ravel(), db2, dz2, [1]]
    slopes = np.concatenate(slopes)
    return (
        x,
        dict(zip(names, values, strict=True)),
        dict(zip(names, slopes, strict=True)),
    )


LEADS_TO = {f"W1_{i}{j}": f"z1_{j}" for i in "12" for j in "123"}
LEADS_TO |= {f"b1_{j}": f"z1_{j}" for j in "123"}
LEADS_TO |= {f"z1_{j}": f"a1_{j}" for j in "123"}
LEADS_TO |= {f"{kind}_{j}": "z2_1" for kind in ("a1", "W2") for j in "123"}
LEADS_TO |= {"b2_1": "z2_1", "z2_1": "L"}


def test_the_graph_obeys_the_chain_rule_in_what_is_written():
    fig, ax = plt.subplots(figsize=(9, 5.6))
    x, values, gradients = one_pass()
    draw_graph(ax, x, values, gradients, lit=("W2_3", "z2_1"), title="one pass")
    written = {t.get_gid(): t.get_text().split()[-1] for t in ax.texts if t.get_gid()}
    written = {gid: float(t.replace("−", "-")) for gid, t in written.items()}
    assert len(written) == 21 + 21 + 20
    for name, value in values.items():
        assert written[f"value {name}"] == pytest.approx(value, abs=5e-5)
    for name, end in LEADS_TO.items():
        product = written[f"slope {name}"] * written[f"gradient {end}"]
        assert written[f"gradient {name}"] == pytest.approx(product, abs=1e-4), name
    assert written["gradient L"] == 1
    assert_apart(fig)


def test_the_edges_of_the_graph_end_at_their_boxes():
    _, ax = plt.subplots(figsize=(9, 5.6))
    draw_graph(ax, *one_pass())
    boxes = {}
    for text in ax.texts:
        if (text.get_gid() or "").startswith("value"):
            spot = text.get_position()
            inside = [p for p in ax.patches if p.get_bbox().contains(*spot)]
            boxes[text.get_gid().split()[1]] = inside[0].get_bbox().padded(0.01)
    ends = [line.get_xydata() for line in ax.lines]
    for name, end in LEADS_TO.items():
        hits = [e for e in ends if boxes[name].contains(*e[0])]
        assert len(hits) == 1 and boxes[end].contains(*hits[0][1]), name


def test_the_graph_lights_a_path_and_greys_what_is_silent():
    _, ax = plt.subplots(figsize=(9, 5.6))
    path = ("W1_21", "z1_1", "a1_1", "z2_1", "L")
    draw_graph(ax, *one_pass(), lit=path)
    yellow = to_rgb(COLORS["yellow"])
    assert sum(to_rgb(line.get_color()) == yellow for line in ax.lines) == 4
    assert sum(p.get_edgecolor()[:3] == yellow for p in ax.patches) == 5
    grey = sum(to_rgb(line.get_color()) == to_rgb(PALE) for line in ax.lines)
    assert grey == 5  # three parameters of unit 2, its score, its outgoing weight


@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 2, 4), (1, 1, 1), (4, 2, 1)])
def test_three_products_are_drawn_as_they_are(shape):
    """Numbers, summed indices, frames; nothing on top of anything, nothing cut."""
    n, n_in, n_out = shape
    rng = np.random.default_rng(1)
    x, W = rng.integers(-9, 9, (n, n_in)), rng.integers(-9, 9, (n_in, n_out))
    dz = rng.integers(-9, 9, (n, n_out))
    fig, ax = plt.subplots(figsize=(9, 4.3))
    three_products(ax, x, W, dz)
    found = {"x": x, "W": W, "dz": dz, "x.T": x.T, "W.T": W.T}
    found |= {"x W": x @ W, "dW": x.T @ dz, "dx": dz @ W.T}
    for name in {"x", "x.T", "W", "W.T", "x W", "dW", "dx"}:
        assert (written(ax, name) == found[name]).all(), name
    letters = [line.get_gid() for line in ax.lines]
    assert letters == ["k"] * n_in + ["i"] * n + ["j"] * n_out
    words = [t.get_text() for t in ax.texts]
    sums = [word.split("\n")[1] for word in words if word.startswith("sum over")]
    assert sums == ["k: inputs", "i: samples", "j: units"]
    for product, (i, j) in (("x W", (0, -1)), ("dW", (0, -1)), ("dx", (-1, -1))):
        start = f"{found[product][i, j]} = ".replace("-", "−")
        assert any(word.startswith(start) for word in words), product
    if n_out == 2:  # one column is too narrow for its words, more too wide
        assert_apart(fig)


def test_a_product_frames_the_row_and_the_column_of_its_entry():
    left, right = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 0], [0, 2], [3, 0]])
    fig, ax = plt.subplots()
    words, colors = ["rows", "inner", "columns"], ["#0072B2", "#009E73", "#7A7A7A"]
    corner_product(ax, left, right, "ABC", words, colors, (1, 0))
    boxes = [p.get_bbox().bounds for p in ax.patches if not p.get_fill()]
    cells = [(t.get_gid(), t.get_position()) for t in ax.texts if t.get_gid()]
    framed = [
        {gid for gid, (x, y) in cells if a < x < a + w and b < y < b + h}
        for a, b, w, h in boxes
    ]
    assert framed[0] == {("A", 1, k) for k in range(3)}
    assert framed[1] == {("B", k, 0) for k in range(3)}
    assert framed[2] == {("C", 1, 0)}
    assert "22 = 4·1 + 5·0 + 6·3" in [t.get_text() for t in ax.texts]
    for line, k in zip(ax.lines, (2, 1, 0), strict=True):  # the innermost first
        start, end = line.get_xydata()[[0, -1]]
        at = {gid: place for gid, place in cells}
        assert abs(start[0] - at["A", 0, k][0]) < 0.2 and start[1] < at["A", 0, k][1]
        assert abs(end[1] - at["B", k, 0][1]) < 0.2 and end[0] < at["B", k, 0][0]
