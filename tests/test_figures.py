"""What `nbhelpers.figures` promises: it draws, keeps labels apart, and only reads.

Pictures themselves are not compared; what makes one readable is measured instead.
"""

import itertools
import warnings

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402

from nbhelpers import figures  # noqa: E402


@pytest.fixture(autouse=True)
def sheet():
    """The series' style, warnings as errors, and no figure left open."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.style()
        yield
        plt.close("all")


def numbers(rng, *shape):
    return rng.normal(size=shape)


def example(rate=0.0):
    """The 2-3-1 network of notebook 01 as keywords of `draw_network`.

    rate: the size of the one step already made
    """
    x, target = np.array([1.0, -2.0]), 1.0
    W1 = np.array([[0.5, -0.3, 0.8], [0.2, 0.4, -0.6]])
    b1, W2, b2 = np.array([0.1, -0.2, 0.0]), np.array([[0.7], [-0.5], [0.3]]), [0.05]
    b2 = np.array(b2)
    for step in (rate, 0):
        z1 = x @ W1 + b1
        a1 = np.maximum(z1, 0)
        y = a1 @ W2 + b2
        dy = 2 * (y - target)
        dW2, da1 = np.outer(a1, dy), W2 @ dy
        dz1 = da1 * (z1 > 0)
        dW1, dx = np.outer(x, dz1), W1 @ dz1
        if step:
            W1, b1 = W1 - step * dW1, b1 - step * dz1
            W2, b2 = W2 - step * dW2, b2 - step * dy
    return {
        "values": [x, a1, y],
        "pre_activations": [z1, None],
        "gradients": [dx, da1, dy],
        "weights": [W1, W2],
        "weight_gradients": [dW1, dW2],
        "biases": [b1, b2],
        "bias_gradients": [dz1, dy],
    }


def drawn(fig):
    """Draw the figure and return its renderer."""
    fig.canvas.draw()
    return fig.canvas.get_renderer()


def overlaps(texts, renderer):
    """Pairs of texts of which the drawn rectangles share more than a hair."""
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    boxes = [(text, box.padded(-0.5)) for text, box in boxes if text]
    return [
        (a, b)
        for (a, one), (b, two) in itertools.combinations(boxes, 2)
        if one.overlaps(two)
    ]


def outside(texts, fig, renderer):
    """Texts that the border of the figure cuts."""
    paper = fig.bbox.padded(1)
    return [
        t.get_text()
        for t in texts
        if t.get_text()
        and not all(
            paper.contains(*corner)
            for corner in t.get_window_extent(renderer).get_points()
        )
    ]


# ---------------------------------------------------------------- every function

RNG = np.random.default_rng(0)
X, Y = numbers(RNG, 30, 2), np.arange(30) % 3
IMAGES = numbers(RNG, 12, 784)
HISTORY = {"training": 1 / np.arange(1, 9), "validation": 1.1 / np.arange(1, 9)}
GRID = np.linspace(-4, 4, 201)
RUNS = numbers(RNG, 5, 8)
PATH = np.geomspace([-3, 1], [-0.1, 0.1], 10)
FORWARD = [("x", (4, 2)), ("@ W + b", None), ("z", (4, 3)), ("mean", None), ("L", ())]
BACKWARD = [("1", ()), ("/ n", None), ("dz", (4, 3)), ("@ Wᵀ", None), ("dx", (4, 2))]
COUNTS = np.array([[50, 3, 0], [9, 40, 1], [0, 0, 60]])


def bowl(w1, w2):
    return w1**2 / 2 + 5 * w2**2


def first_coordinate(points):
    return (points[:, 0] > 0).astype(int)


DRAWINGS = {
    "network": lambda ax: figures.draw_network(ax, (2, 3, 1), **example()),
    "bare network": lambda ax: figures.draw_network(ax, (3, 4, 5, 2), title="bare"),
    "one unit": lambda ax: figures.draw_network(ax, (1, 1), weights=[np.zeros((1, 1))]),
    "marked": lambda ax: figures.draw_network(
        ax, (2, 2), highlight=[(0, 1, 1), (1, 0)], input_names=["hours", "marks"]
    ),
    "ribbon": lambda ax: figures.ribbon(ax, FORWARD),
    "ribbon and back": lambda ax: figures.ribbon(ax, FORWARD, backward=BACKWARD),
    "shorter way back": lambda ax: figures.ribbon(ax, FORWARD, backward=BACKWARD[2:]),
    "loss": lambda ax: figures.loss_curve(ax, HISTORY),
    "loss, log": lambda ax: figures.loss_curve(ax, HISTORY, logy=True),
    "loss, one": lambda ax: figures.loss_curve(ax, HISTORY["training"]),
    "boundary": lambda ax: figures.decision_boundary(ax, first_coordinate, X, Y),
    "boundary of scores": lambda ax: figures.decision_boundary(
        ax, lambda p: np.stack([p[:, 0], p[:, 1], 0 * p[:, 0]], axis=1), X, Y
    ),
    "histograms": lambda ax: figures.histograms(ax, [X], ["layer 1"], range=(-3, 3)),
    "heatmap": lambda ax: figures.heatmap(ax, COUNTS, fmt="{:.0f}"),
    "signed heatmap": lambda ax: figures.heatmap(
        ax, X[:3], symmetric=True, row_names="abc", column_names=np.array(["x1", "x2"])
    ),
    "heatmap of zeros": lambda ax: figures.heatmap(ax, 0 * X[:3], symmetric=True),
    "heatmap, no text": lambda ax: figures.heatmap(ax, X, fmt=None),
    "confusion": lambda ax: figures.confusion(ax, COUNTS, ["Shirt", "Coat", "Bag"]),
    "no mistakes": lambda ax: figures.confusion(ax, np.eye(3, dtype=int), "abc"),
    "bars": lambda ax: figures.bars(ax, "abc", [1, -2, 3], errors=[0.1, 0.2, 0.3]),
    "band": lambda ax: figures.band(ax, np.arange(8), RUNS, "Adam", "#0072B2"),
    "function": lambda ax: figures.function_and_derivative(
        ax, GRID, lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, "ReLU"
    ),
    "function as arrays": lambda ax: figures.function_and_derivative(
        ax, GRID, np.tanh(GRID), 1 - np.tanh(GRID) ** 2, "tanh"
    ),
    "path": lambda ax: figures.contour_path(
        ax, bowl, {"SGD": PATH, "away": 3 * PATH}, xlim=(-4, 2), ylim=(-2, 2)
    ),
    "path, one": lambda ax: figures.contour_path(
        ax, bowl, PATH, xlim=(-4, 2), ylim=(-2, 2), levels=[1, 2], minimum=(0, 0)
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_without_warnings_and_shows_something(name):
    fig, ax = plt.subplots(figsize=(8, 5))
    before = len(ax.get_children())
    DRAWINGS[name](ax)
    drawn(fig)
    assert len(ax.get_children()) > before


@pytest.mark.parametrize("name", DRAWINGS)
def test_works_without_style(name):
    with plt.rc_context():
        plt.rcdefaults()
        fig, ax = plt.subplots()
        DRAWINGS[name](ax)
        drawn(fig)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"columns": 5, "titles": [f"{k} → 3" for k in range(12)]},
        {"symmetric": True},
        {"titles": ["a"] * 12, "title_colors": ["#F0E442"] * 12},
    ],
)
def test_image_grid(options):
    fig = figures.image_grid(IMAGES, **options)
    renderer = drawn(fig)
    assert sum(len(ax.images) for ax in fig.axes) == len(IMAGES)
    assert fig.get_figwidth() <= 8
    titles = [ax.title for ax in fig.axes]
    assert not overlaps(titles, renderer)
    assert not outside(titles, fig, renderer)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_a_boundary_of_one_score_is_refused(shape):
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="predict: classes"):
        figures.decision_boundary(ax, lambda p: p[:, 0].reshape(shape), X, Y)


def test_image_grid_gives_long_titles_room():
    names = ["Ankle boot\nfor Sneaker"] * 10
    fig = figures.image_grid(IMAGES[:10], names, columns=5)
    renderer = drawn(fig)
    assert not overlaps([ax.title for ax in fig.axes], renderer)


def test_symmetric_pictures_have_zero_in_the_middle():
    fig = figures.image_grid(IMAGES, symmetric=True)
    for ax in fig.axes:
        for image in ax.images:
            low, high = image.get_clim()
            assert low == -high


# ---------------------------------------------------------------- the caller's arrays


def arrays_in(thing):
    if isinstance(thing, np.ndarray):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing
    return [a for part in parts if part is not None for a in arrays_in(part)]


def test_arrays_are_only_read():
    network = example()
    data = [X, Y, IMAGES, RUNS, PATH, COUNTS, GRID, *HISTORY.values()]
    data += arrays_in(network)
    copies = [a.copy() for a in data]
    for a in data:
        a.setflags(write=False)
    try:
        for draw in DRAWINGS.values():
            draw(plt.subplots()[1])
            plt.close("all")
        figures.draw_network(plt.subplots()[1], (2, 3, 1), **network)
        figures.image_grid(IMAGES, symmetric=True)
    finally:
        for a in data:
            a.setflags(write=True)
    for a, copy in zip(data, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("dpi", [80, 90])
@pytest.mark.parametrize("rate", [0, 0.01, 0.1, 0.2])
def test_no_two_numbers_of_the_network_overlap(rate, dpi):
    fig, ax = plt.subplots(figsize=(8, 5), dpi=dpi)
    names = ["x1", "x2"]
    title = "Before the update: loss 0.0441"
    state = example(rate)
    figures.draw_network(ax, (2, 3, 1), title=title, input_names=names, **state)
    renderer = drawn(fig)
    assert overlaps([*ax.texts, ax.title], renderer) == []
    assert outside(ax.texts, fig, renderer) == []


def test_numbers_of_the_network_stay_off_the_circles_of_other_units():
    fig, ax = plt.subplots(figsize=(8, 5))
    figures.draw_network(ax, (2, 3, 1), **example())
    renderer = drawn(fig)
    circles = [p for p in ax.patches if hasattr(p, "radius")]
    assert len(circles) == 6
    for text in ax.texts:
        box = text.get_window_extent(renderer)
        hit = [c for c in circles if c.get_window_extent(renderer).overlaps(box)]
        inside = [
            c
            for c in hit
            if c.get_path()
            .contains_points(c.get_transform().inverted().transform(box.get_points()))
            .all()
        ]
        assert hit == inside, f"{text.get_text()} lies across the edge of a circle"


@pytest.mark.parametrize("sizes", [(2, 2, 1), (3, 4, 2), (4, 4, 3)])
def test_weights_of_wider_networks_do_not_overlap(sizes):
    rng = np.random.default_rng(1)
    fig, ax = plt.subplots(figsize=(8, 5))
    weights = [numbers(rng, *pair) for pair in itertools.pairwise(sizes)]
    values = [numbers(rng, n) for n in sizes]
    figures.draw_network(ax, sizes, weights=weights, values=values)
    assert overlaps(ax.texts, drawn(fig)) == []


def test_every_number_of_the_network_is_written():
    _, ax = plt.subplots(figsize=(8, 5))
    figures.draw_network(ax, (2, 3, 1), **example())
    written = " ".join(t.get_text() for t in ax.texts).replace("−", "-").split()
    count = 6 + 3 + 6 + 2 * 13  # values, z1, gradients of values; parameters twice
    assert sum(w.lstrip("-").replace(".", "").isdigit() for w in written) == count
    for number in ("-1.3", "0.79", "-0.084", "-0.84", "-0.42", "0.588", "-0.294"):
        assert number in written


def test_a_dead_unit_is_grey():
    _, ax = plt.subplots()
    figures.draw_network(ax, (2, 3, 1), **example())
    faces = [p.get_facecolor()[:3] for p in ax.patches if hasattr(p, "radius")]
    grey = [face != to_rgb("white") for face in faces]
    assert grey == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, "0.5"), (-0.0, "0"), (-0.084, "−0.084"), (2.0, "2"), (100, "100")]
    + [(1e-5, "1e−5"), (-2e-12, "−2e−12"), (0.05029, "0.05"), (3e6, "3e6")],
)
def test_numbers_are_short_and_never_falsely_zero(number, text):
    assert figures._number(number) == text


@pytest.mark.parametrize("logy", [False, True])
def test_names_at_the_ends_of_curves_stay_apart(logy):
    t = np.arange(30)
    ends = {f"rate {k}": np.exp(-t / 5) + 0.1 + 0.001 * k for k in range(6)}
    fig, ax = plt.subplots()
    figures.loss_curve(ax, ends, logy=logy)
    renderer = drawn(fig)
    assert overlaps(ax.texts, renderer) == []
    assert outside(ax.texts, fig, renderer) == []


def test_names_stay_apart_when_the_axis_changes_afterwards():
    fig, ax = plt.subplots()
    for k, color in enumerate(figures.COLORS.values()):
        figures.band(ax, np.arange(8), RUNS + 0.3 * k, f"run {k}", color)
    ax.set_ylim(-100, 100)
    assert overlaps(ax.texts, drawn(fig)) == []


def test_ribbon_of_shapes_keeps_its_words_apart():
    fig, ax = plt.subplots(figsize=(8, 3))
    figures.ribbon(ax, FORWARD, backward=BACKWARD)
    renderer = drawn(fig)
    assert overlaps(ax.texts, renderer) == []
    assert outside(ax.texts, fig, renderer) == []


def test_operations_side_by_side_are_one_arrow():
    _, ax = plt.subplots(figsize=(8, 3))
    skip = [("loss", ()), ("p - y", None), ("", None), ("", None), ("dz", (2, 3))]
    there = [("z", (2, 3)), ("softmax", None), ("p", (2, 3)), ("log", None)]
    figures.ribbon(ax, [*there, ("loss", ())], backward=skip)
    arrows = [t for t in ax.texts if getattr(t, "arrow_patch", None)]
    boxes = {t.get_text(): t.get_position()[0] for t in ax.texts if t.get_text()}
    assert len(arrows) == 3 and boxes["z"] == boxes["dz"]
    assert boxes["dz"] < boxes["p - y"] < boxes["loss"]


def test_a_long_ribbon_shrinks_to_the_figure():
    fig, ax = plt.subplots(figsize=(8, 2))
    layer = [("Dense", None), ("z", (128, 256)), ("ReLU", None), ("a", (128, 10))]
    figures.ribbon(ax, [("x", (128, 784)), *layer, *layer, *layer])
    renderer = drawn(fig)
    assert overlaps(ax.texts, renderer) == []
    assert outside(ax.texts, fig, renderer) == []


def test_text_on_a_dark_cell_is_light():
    _, ax = plt.subplots()
    figures.heatmap(ax, [[0.0, 1.0]])
    assert [t.get_color() for t in ax.texts] == [figures.INK, "white"]


# ---------------------------------------------------------------- colours

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for
# simulation of color vision deficiency", severity 1.0; applied to linear RGB.
DEFICIENCY = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(color, matrix):
    """CIE L*a*b* (white D65) of a colour as seen through the matrix."""
    c = np.array(to_rgb(color))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(matrix @ linear, 0, 1)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    f = to_xyz @ linear / to_xyz.sum(axis=1)
    f = np.where(f > (6 / 29) ** 3, np.cbrt(f), f / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", DEFICIENCY)
def test_first_six_colours_are_told_apart(sight):
    """A distance of 2.3 is just noticeable (CIE 1976); ours are over 15 apart."""
    seen = {
        name: lab(color, DEFICIENCY[sight])
        for name, color in list(figures.COLORS.items())[:6]
    }
    distance = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]])
        for pair in itertools.combinations(seen, 2)
    }
    closest = min(distance, key=distance.get)
    assert distance[closest] > 15, f"{closest} under {sight}: {distance[closest]:.1f}"


@pytest.mark.parametrize("name", figures.COLORS)
def test_text_in_a_colour_reads_on_white(name):
    """4.5 to 1 is what WCAG 2.1 asks of text."""
    contrast = 1.05 / (figures._luminance(figures._ink(figures.COLORS[name])) + 0.05)
    assert contrast > 4.5, f"{name}: {contrast:.1f}"


def test_style_keeps_pictures_small_and_white():
    assert plt.rcParams["savefig.dpi"] <= 90 and plt.rcParams["figure.dpi"] <= 90
    assert plt.rcParams["figure.facecolor"] == "white"
    assert figures.CLASS_CMAP.N == 10


def test_the_style_sheet_has_the_colours_of_the_module():
    lines = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert lines == list(figures.COLORS.values())
