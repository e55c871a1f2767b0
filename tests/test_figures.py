"""Every picture of `nbhelpers.figures`, read back from the axes it was drawn on."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal

from nbhelpers import figures
from nbhelpers.figures import CLASS_COLORS, COLORS, INK, text_color, tint
from pictures import assert_apart, assert_colors, fixed, texts, ticks


def xy(line):
    return line.get_xydata().tolist()


def names(ax):
    return ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left")


def assert_end(ax, words, x, y, color):
    """At the end of a line stands a name, right of it and in its colour."""
    label = texts(ax)[words]
    assert label.xy == (x, y) and label.get_ha() == "left"
    assert label.get_position()[0] > 0 and label.anncoords == "offset points"
    assert same_color(label.get_color(), text_color(color))


def test_the_lines_of_the_style_have_the_colours_of_the_module(ax):
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == list(COLORS.values())
    assert len(set(CLASS_COLORS)) == 10


@pytest.mark.parametrize("color", COLORS.values())
def test_text_in_a_colour_reads_on_white(color):
    """4.5 to 1 is what WCAG 2.1 asks of text; no darker than need be."""
    c = np.array(text_color(color))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    assert 4.5 < 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) < 5.5


def test_dark_text_and_tints():
    assert same_color(text_color(INK), INK)
    assert_allclose(tint("#204060", 0), [1, 1, 1])
    assert_allclose(tint("#336699", 0.5), [0.6, 0.7, 0.8])
    assert same_color(tint("#204060", 1), "#204060")


def test_curves(ax):
    lines = {"up": fixed([1, 5, 9]), "down": fixed([3, 2, -7])}
    figures.curves(ax, fixed([1, 2, 4]), lines, xlabel="h", ylabel="dL", title="Two")
    up, down = ax.lines
    assert xy(up) == [[1, 1], [2, 5], [4, 9]]
    assert xy(down) == [[1, 3], [2, 2], [4, -7]]
    assert_end(ax, "up", 4, 9, up.get_color())
    assert_end(ax, "down", 4, -7, down.get_color())
    assert up.get_color() != down.get_color()
    assert names(ax) == ("h", "dL", "Two")


def test_loss_curve(ax):
    figures.loss_curve(ax, {"training": [4, 2], "validation": [5, 3, 1]}, ylabel="L")
    training, validation = ax.lines
    assert xy(training) == [[1, 4], [2, 2]], "epochs are counted from 1"
    assert xy(validation) == [[1, 5], [2, 3], [3, 1]]
    assert_end(ax, "training", 2, 2, training.get_color())
    assert_end(ax, "validation", 3, 1, validation.get_color())
    assert names(ax) == ("epoch", "L", "") and ax.get_yscale() == "linear"
    assert [line.get_marker() for line in ax.lines] == ["o", "o"]


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_loss_curve_has_no_half_epochs(ax, epochs):
    figures.loss_curve(ax, range(epochs))
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_loss_curve_of_many_epochs_is_a_plain_line(ax):
    figures.loss_curve(ax, range(10))
    assert [line.get_marker() for line in ax.lines] == ["None"]


def test_loss_curve_of_one_sequence_and_of_none(ax):
    figures.loss_curve(ax, [4, 2], logy=True)
    figures.loss_curve(ax, {"not yet": []}, logy=True)
    assert [xy(line) for line in ax.lines] == [[[1, 4], [2, 2]], []]
    assert not ax.texts
    assert names(ax) == ("epoch", "loss", "") and ax.get_yscale() == "log"


def test_band(ax):
    runs = fixed([[1, 10, 7], [2, 60, 9], [9, 20, 5], [3, 40, 8]])
    figures.band(ax, fixed([1, 2, 4]), runs, "Adam", COLORS["green"])
    (line,), (area,) = ax.lines, ax.collections
    assert xy(line) == [[1, 2.5], [2, 30], [4, 7.5]], "the median of the runs"
    corners = {tuple(corner) for corner in area.get_paths()[0].vertices}
    assert corners == {(1, 1), (2, 10), (4, 5), (1, 9), (2, 60), (4, 9)}
    assert_end(ax, "Adam", 4, 7.5, COLORS["green"])
    assert_colors([line.get_color()], [COLORS["green"]])
    assert_colors(area.get_facecolor(), [(COLORS["green"], 0.2)])


def test_function_and_derivative(ax):
    x, y = fixed([-2, -1, 0, 1, 3]), fixed([1, 2, 3, 4, 5])
    figures.function_and_derivative(ax, x, y, fixed([0, 0, 0, 8, 7]), "f")
    line, dashed, *axes = ax.lines
    assert xy(line) == [[-2, 1], [-1, 2], [0, 3], [1, 4], [3, 5]]
    slope = [[-2, 0], [-1, 0], [0, 0], [1, np.nan], [3, 7]]
    assert_array_equal(dashed.get_xydata(), slope, "a jump is left open")
    assert (line.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    blue, orange = line.get_color(), dashed.get_color()
    assert (blue, orange) == (COLORS["blue"], COLORS["vermillion"])
    assert_end(ax, "f", 3, 5, blue)
    assert_end(ax, "slope", 3, 7, orange)
    assert [xy(line) for line in axes] == [[[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    assert names(ax) == ("z", "", "")


def test_names_at_the_ends_of_lines_keep_apart_and_near(ax):
    ends = {"far": 9, "c": 1.0, "b": 0.99, "a": 0.98, "low": -4}
    figures.curves(ax, [0, 1], {name: [0, end] for name, end in ends.items()})
    assert_apart(ax.figure)
    moved = {name: text.get_position()[1] for name, text in texts(ax).items()}
    assert moved["far"] == moved["b"] == moved["low"] == 0
    assert moved["c"] == pytest.approx(-moved["a"]) and moved["c"] > 10


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_keep_apart_when_the_axis_changes_afterwards(ax, scale):
    for k, color in enumerate(COLORS.values()):
        figures.band(ax, [0, 1], [[1, 2 + k], [3, 4 + k]], f"run {k}", color)
    ax.set(yscale=scale, ylim=(0.1, 1000))
    assert_apart(ax.figure)


def test_bars(ax):
    figures.bars(ax, ["one", "two", "three"], [0.9, 0.25, 0.5])
    bars = [(bar.get_center()[1], bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert_allclose(bars, [(0, 0, 0.9), (1, 0, 0.25), (2, 0, 0.5)])
    assert ticks(ax.yaxis) == {0: "one", 1: "two", 2: "three"}
    assert ax.yaxis_inverted(), "the first is on top"
    ends = {words: tuple(np.round(text.xy, 9)) for words, text in texts(ax).items()}
    assert ends == {"0.90": (0.9, 0), "0.25": (0.25, 1), "0.50": (0.5, 2)}
    assert {text.get_position() for text in ax.texts} == {(4, 0)}, "right of the bars"
    assert not ticks(ax.xaxis)
    assert_apart(ax.figure)


@pytest.mark.parametrize("mean", [{}, {"mean": True}])
def test_dots(ax, mean):
    figures.dots(ax, {"one": fixed([1, 2, 9]), "two": fixed([3, 5])}, **mean)
    drawn = [(line.get_marker(), line.get_color(), xy(line)) for line in ax.lines]
    assert {line.get_linestyle() for line in ax.lines} == {"None"}
    blue, red = COLORS["blue"], COLORS["vermillion"]
    wanted = [("o", blue, [[1, 0], [2, 0], [9, 0]]), ("o", blue, [[3, 1], [5, 1]])]
    wanted += [("|", red, [[4, 0]]), ("|", red, [[4, 1]])] if mean else []
    assert sorted(drawn) == wanted
    assert ticks(ax.yaxis) == {0: "one", 1: "two"} and ax.get_ylim() == (1.5, -0.5)


def cells(ax):
    """What is written in each cell (row, column): it stands at (column, row)."""
    return {text.get_position()[::-1]: words for words, text in texts(ax).items()}


def shade(image, value):
    return image.cmap(image.norm(value))[:3]


def test_heatmap(ax):
    M = fixed([[0.5, -4, 0.25], [-0.0, 2, 10]])
    sides = {"row_names": ["a", "b"], "column_names": ["x", "y", "z"]}
    figures.heatmap(ax, M, **sides, title="M")
    (image,) = ax.images
    assert_array_equal(image.get_array(), M)
    written = {(0, 0): "0.50", (0, 1): "−4.00", (0, 2): "0.25"}
    assert cells(ax) == written | {(1, 0): "0.00", (1, 1): "2.00", (1, 2): "10.00"}
    assert image.get_extent() == [-0.5, 2.5, 1.5, -0.5] and ax.yaxis_inverted()
    assert ticks(ax.xaxis) == {0: "x", 1: "y", 2: "z"}
    assert ticks(ax.yaxis) == {0: "a", 1: "b"}
    assert ax.xaxis.get_ticklocs(minor=True).tolist() == [0.5, 1.5], "lines between"
    assert ax.yaxis.get_ticklocs(minor=True).tolist() == [0.5]
    assert sum(shade(image, 10)) < sum(shade(image, -4)), "more is darker"
    light = {words for words, text in texts(ax).items() if text.get_color() == "white"}
    assert light == {"10.00"} and names(ax) == ("", "", "M")


def test_heatmap_in_a_format_and_colours_of_its_own(ax):
    figures.heatmap(ax, [[1.26, 0.44]], fmt="{:.1f}", cmap="gray_r")
    assert cells(ax) == {(0, 0): "1.3", (0, 1): "0.4"}
    assert ticks(ax.xaxis) == {0: "", 1: ""} and ticks(ax.yaxis) == {0: ""}
    assert shade(ax.images[0], 1.26) == (0, 0, 0)
    assert shade(ax.images[0], 0.44) == (1, 1, 1)


def assert_symmetric(image, largest):
    assert image.get_clim() == (-largest, largest)
    assert_allclose(shade(image, 0), [1, 1, 1], atol=0.04)
    (red, _, blue), (red2, _, blue2) = shade(image, -largest), shade(image, largest)
    assert red > blue and red2 < blue2, "negative is red and positive blue"


@pytest.mark.parametrize(("M", "largest"), [([[0.5, -4]], 4), ([[0, 0]], 1)])
def test_symmetric_heatmap(ax, M, largest):
    figures.heatmap(ax, M, symmetric=True, fmt="{:.3g}")
    assert_symmetric(ax.images[0], largest)


def test_confusion(ax):
    counts = fixed([[50, 3, 7], [9, 40, 1], [0, 0, 0]], int)
    figures.confusion(ax, counts, ("Shirt", "Coat", "Bag"))
    (image,) = ax.images
    share = [[np.nan, 3 / 60, 7 / 60], [9 / 50, np.nan, 1 / 50], [0, 0, np.nan]]
    assert_allclose(image.get_array().filled(np.nan), share, err_msg="share of the row")
    assert image.get_clim() == (0, pytest.approx(1.3 * 9 / 50))
    assert sum(shade(image, 9 / 50)) < sum(shade(image, 1 / 50)), "more is darker"
    assert_colors([ax.get_facecolor()], ["#E4E4E4"])
    written = {(0, 0): "50", (0, 1): "3", (0, 2): "7"}
    assert cells(ax) == written | {(1, 0): "9", (1, 1): "40", (1, 2): "1"}
    assert image.get_extent() == [-0.5, 2.5, 2.5, -0.5] and ax.yaxis_inverted()
    assert names(ax) == ("predicted", "truth", "")
    assert ticks(ax.xaxis) == ticks(ax.yaxis) == {0: "Shirt", 1: "Coat", 2: "Bag"}


def test_confusion_of_many_classes_without_a_mistake(ax):
    articles = [f"article {k}" for k in range(12)]
    figures.confusion(ax, np.diag(np.arange(100, 112)), articles)
    assert ax.images[0].get_clim() == (0, pytest.approx(0.013))
    assert {text.get_color() for text in ax.texts} == {INK}, "dark on grey"
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {45}


def quadrant(points):
    """0 and 1 below, 2 and 3 above, from left to right."""
    return 2 * (points[:, 1] > 0.1) + (points[:, 0] > 0.1)


@pytest.mark.parametrize("predict", [quadrant, lambda p: np.eye(4)[quadrant(p)]])
def test_decision_boundary(ax, predict):
    x, y = fixed([[-3, -2], [1, 5], [2, -1]]), fixed([0, 9, 1], int)
    figures.decision_boundary(ax, predict, x, y, resolution=40, title="Four")
    (image,), (dots,) = ax.images, ax.collections
    assert_allclose(image.get_extent(), [-3.4, 2.4, -2.4, 5.4])
    assert image.origin == "lower" and not ax.yaxis_inverted()
    area = image.get_array()  # from below, row by row
    tints = [tint(color, 0.28) for color in CLASS_COLORS]
    assert_colors(area[[0, 0, -1, -1], [0, -1, 0, -1]], tints[:4])
    assert same_color(area[0, 23], tints[0]) and same_color(area[0, 24], tints[1])
    assert same_color(area[12, 0], tints[0]) and same_color(area[13, 0], tints[2])
    assert_array_equal(dots.get_offsets(), x)
    assert_colors(dots.get_facecolors(), [CLASS_COLORS[k] for k in y])
    assert names(ax) == ("x1", "x2", "Four")


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_a_boundary_of_one_score_is_refused(ax, shape):
    with pytest.raises(ValueError, match="predict: classes"):
        figures.decision_boundary(
            ax, lambda x: x[:, 0].reshape(shape), np.eye(2), [0, 1]
        )


def test_contour_path(ax):
    def f(w1, w2):
        return w1**2 + 9 * w2

    paths = {"SGD": fixed([[-1, 1], [0, 0.5]]), "Adam": fixed([[2, 0], [1, 1], [1, 2]])}
    window = {"xlim": (-3, 4), "ylim": (-1, 2), "minimum": (0.5, -0.25)}
    figures.contour_path(ax, f, paths, levels=[2, 8], **window)
    for level, line in zip([2, 8], ax.collections[0].get_paths(), strict=True):
        assert_allclose(f(*line.vertices.T), level, atol=0.01)
    star, sgd, start, adam, other = ax.lines
    assert (star.get_marker(), xy(star)) == ("*", [[0.5, -0.25]])
    assert xy(sgd) == [[-1, 1], [0, 0.5]] and xy(adam) == [[2, 0], [1, 1], [1, 2]]
    assert (sgd.get_linestyle(), sgd.get_marker()) == ("-", "o"), "a dot a step"
    assert xy(start) == [[-1, 1]] and xy(other) == [[2, 0]]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["SGD", "Adam"]
    keys = [line.get_color() for line in legend.get_lines()]
    assert keys == [sgd.get_color(), adam.get_color()] and keys[0] != keys[1]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 4), (-1, 2))
    assert names(ax) == ("w1", "w2", "")


def test_a_small_contour_path_in_a_colour_of_its_own(ax):
    view = {"xlim": (-3, 4), "ylim": (-1, 2), "levels": [2], "minimum": (0, 0)}
    path = fixed([[-1, 1], [0, 0.5]])
    own = {"colors": {"a": "#7B4A12"}, "small": True}
    figures.contour_path(ax, lambda w1, w2: w1**2 + w2**2, {"a": path}, **own, **view)
    _, line, start = ax.lines
    assert same_color(line.get_color(), "#7B4A12") and xy(line) == path.tolist()
    assert xy(start) == [[-1, 1]] and ax.get_legend() is None


def test_small_valleys(ax):
    starts = fixed([[-1, 0], [1, 1]])
    paths = {
        str(k): np.vstack([starts[:1], [[k / 7, 0.5]], starts[1:]]) for k in range(7)
    }
    colors = [*COLORS.values()][:7]
    floor = fixed([[-1, 1], [0, 0], [1, 1]])
    fig = ax.figure
    ax.remove()
    kind = {"levels": [0.5, 1], "minimum": (1, 1)}
    axes = figures.small_valleys(
        fig, lambda a, b: a**2 + b**2, paths, colors, floor, **kind
    )
    for panel, (name, path), color in zip(axes, paths.items(), colors, strict=True):
        *others, star, own, start = panel.lines
        assert [xy(line) for line in others] == [p.tolist() for p in paths.values()]
        assert len({line.get_color() for line in others}) == 1, "all others are grey"
        assert xy(own) == path.tolist() and same_color(own.get_color(), color)
        assert xy(star) == [[1, 1]] and xy(start) == [[-1, 0]]
        assert names(panel) == ("", "", name)
        low, high = panel.get_xlim()
        assert low < -1 and high > 1, "no path is cut off"
    *_, key = fig.axes
    assert floor.tolist() in [xy(line) for line in key.lines]
    places = {text.get_text(): text.xy for text in key.texts}
    assert list(places) == ["start", "lowest"] and tuple(places["lowest"]) == (1, 1)
    assert tuple(places["start"]) == (-1, 0)


def test_lowest_points(ax):
    x = (0.1, 1, 10)
    named = {"a": fixed([3.0, 1.0, 2.0]), "b": fixed([0.5, 4.0, 5.0])}
    colors = {"a": COLORS["blue"], "b": COLORS["orange"]}
    figures.lowest_points(ax, x, named, colors)
    rings = [xy(line) for line in ax.lines[1::2]]
    assert rings == [[[1, 1.0]], [[0.1, 0.5]]], "each ring at its lowest point"
    assert [line.get_ydata().tolist() for line in ax.lines[::2]] == [
        [3, 1, 2],
        [0.5, 4, 5],
    ]
    assert {t.get_text(): t.xy for t in ax.texts} == {"a": (1, 1.0), "b": (0.1, 0.5)}
    places = {t.get_text(): t.get_position()[0] for t in ax.texts}
    assert places["b"] < places["a"], "in the order of their rings"
    for line, name in zip(ax.lines[1::2], named, strict=True):
        assert same_color(line.get_markeredgecolor(), colors[name])
        assert same_color(texts(ax)[name].get_color(), text_color(colors[name]))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylim()[0] <= 0.1, "room for the names"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.1", "10"]


def test_image_grid(ax):
    images = fixed(np.random.default_rng(0).random((5, 12 * 12)))
    titles = ["a", "b\nsecond line", "c", "d", "e"]
    fig = figures.image_grid(images, titles, columns=3, size=12)
    assert not any(panel.axison for panel in fig.axes)
    *panels, empty = fig.axes
    for k, panel in enumerate(panels):
        cell = panel.get_subplotspec()
        assert (cell.rowspan.start, cell.colspan.start) == divmod(k, 3)
        (image,) = panel.images
        assert_array_equal(image.get_array(), images[k].reshape(12, 12))
        assert image.origin == "upper" and panel.get_title(loc="center") == titles[k]
        assert shade(image, images[k].min()) == (1, 1, 1), "paper is white"
        assert shade(image, images[k].max()) == (0, 0, 0)
    assert len(panels) == 5 and not empty.images


def test_weights_in_an_image_grid_have_one_scale(ax):
    images = fixed(np.linspace(-1, 3, 2 * 784).reshape(2, 784))
    fig = figures.image_grid(images, ["", ""], columns=10, symmetric=True)
    assert len(fig.axes) == 2, "no more columns than images"
    for panel in fig.axes:
        assert_symmetric(panel.images[0], 3)


@pytest.mark.parametrize("columns", [5, 10])
def test_titles_of_an_image_grid_have_room(ax, columns):
    titles = ["a shirt, taken for\nCoat" if columns == 5 else "7 → 3"] * 10
    fig = figures.image_grid(np.zeros((10, 784)), titles, columns=columns)
    assert_apart(fig)
    assert fig.get_figwidth() <= 8


def xor_places():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    z = corners @ [[1, 1], [1, 1]] + [0, -1]
    places = {"inputs x": corners, "before z": z, "after a": np.maximum(z, 0)}
    return places, [0, 1, 1, 0], corners.tolist()


def test_hidden_places_shows_points_labels_cut_and_what_moved():
    fig = plt.figure(figsize=(9, 3))
    places, labels, inputs = xor_places()
    axes = figures.hidden_places(fig, places, labels, inputs, (1, -2), 0.5)
    assert_apart(fig)
    for ax, points in zip(axes, places.values(), strict=True):
        dots = ax.collections[0]
        np.testing.assert_array_equal(dots.get_offsets(), points)
        dark = dots.get_facecolors()[:, 0] < 0.5
        np.testing.assert_array_equal(dark, np.array(labels, bool))
    assert sorted(texts(axes[2])) == ["(0, 0)", "(0, 1)\n(1, 0)", "(1, 1)"]
    np.testing.assert_allclose(axes[2].lines[0].get_xydata() @ [1, -2], 0.5)
    arrows = [t for t in axes[2].texts if getattr(t, "arrow_patch", None)]
    assert [(tuple(t.xyann), tuple(t.xy)) for t in arrows] == [((0, -1), (0, 0))]


def test_added_bends_draws_the_curve_its_parts_and_their_sum():
    _, ax = plt.subplots()
    x, kinks, weights = np.linspace(0, 3, 31), np.arange(3), np.array([1, -2, 1])
    figures.added_bends(ax, x, np.sin(x), kinks, weights, 0.5)
    curve, *parts, total, dots = (line.get_xydata() for line in ax.lines)
    np.testing.assert_array_equal(curve[:, 1], np.sin(x))
    assert len(parts) == 3
    added = 0.5 + sum(part[:, 1] - 0.5 for part in parts)
    np.testing.assert_allclose(total[:, 1], added)
    np.testing.assert_allclose(total[[5, 15, 30], 1], [1, 1, 0.5])
    np.testing.assert_allclose(dots, [[0, 0.5], [1, 1.5], [2, 0.5]])


def test_small_tables_are_laid_out_as_their_array():
    moved = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    axes = figures.small_tables(plt.figure(), "W", moved, "How W moves z")
    assert axes.shape == (3, 2)
    for at, ax in np.ndenumerate(axes):
        assert (ax.images[0].get_array() == moved[at]).all()
        assert ax.get_title() == f"W[{at[0]}, {at[1]}]"
    assert len({ax.images[0].get_clim() for ax in axes.flat}) == 1, "one colour scale"


@pytest.mark.parametrize("seed", range(20))
def test_half_planes_never_fail_and_point_to_the_active_side(seed, ax):
    """Lines that miss the plane, that only touch a corner, and weights of 0."""
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(2, 8)), rng.normal(size=8) * rng.choice([0.1, 1, 5])
    W[:, 0], b[1] = 0, 100
    b[2] = 1.59 * np.abs(W[:, 2]).sum()  # cuts off the tip of a corner
    count = figures.half_planes(ax, W, b)
    ax.figure.canvas.draw()
    u = np.linspace(-1.6, 1.6, 161)
    z = np.stack(np.meshgrid(u, u), axis=-1) @ W + b
    assert (count == (z > 0).sum(axis=2)).all()
    assert (ax.images[0].get_array() == count).all()
    crossing = [j for j in range(8) if z[..., j].min() < 0 < z[..., j].max()]
    units = []
    for arrow in ax.texts:
        foot, tip = np.array([arrow.xyann, arrow.xy]) @ W + b
        on_line = np.where(W.any(axis=0), np.abs(foot), np.inf)
        units.append(int(on_line.argmin()))
        assert on_line[units[-1]] < 1e-9 < tip[units[-1]]
    assert units == crossing
    lines = [c for c in ax.collections if len(c.get_paths()[0].vertices)]
    assert len(lines) == len(crossing)
    for line, j in zip(lines, crossing, strict=True):
        on = line.get_paths()[0].vertices @ W[:, j] + b[j]
        assert np.abs(on).max() < 1e-6 * (1 + np.abs(b[j]))


def test_bells_stand_on_their_curve(ax):
    at, centres = fixed([0, 2]), fixed([1, -1])
    density = lambda d: np.maximum(4 - 8 * np.abs(d), 0)  # noqa: E731
    figures.bells(ax, at, centres, density, width=0.3, reach=0.8)
    for line, area, x, centre in zip(
        ax.lines, ax.collections, at, centres, strict=True
    ):
        u, v = line.get_xydata().T
        assert_allclose(u, x + 0.3 * np.maximum(1 - 2 * np.abs(v - centre), 0))
        assert_allclose(v[[0, 100, -1]], centre + np.array([-0.8, 0, 0.8]))
        assert_allclose(u[100], x + 0.3)
        filled = area.get_paths()[0].vertices
        assert_allclose(
            [filled.min(axis=0), filled.max(axis=0)], [[x, v[0]], [u[100], v[-1]]]
        )


def test_probability_triangle(ax):
    p = fixed([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.3, 0.5]])
    pull = fixed([[0, 0, 0], [1, -1, 0], [1, 0, -1], [0, 0.3, -0.3]])
    path, top = fixed([[0, 1, 0], [0.5, 0.5, 0]]), 0.75**0.5
    figures.probability_triangle(ax, p, pull, path, color=COLORS["green"], title="T")
    (arrows,) = ax.collections
    assert_allclose(arrows.get_offsets()[:3], [[0.5, top], [0, 0], [1, 0]])
    assert_allclose(arrows.get_offsets()[3], [0.2 * 0.5 + 0.5, 0.2 * top])
    assert_allclose(np.c_[arrows.U, arrows.V][:3], [[0, 0], [0.5, top], [-0.5, top]])
    assert_allclose([arrows.U[3], arrows.V[3]], [-0.3, 0], atol=1e-12)
    assert (arrows.angles, arrows.scale_units, arrows.scale) == ("xy", "xy", 3)
    assert_colors(arrows.get_facecolor(), [COLORS["green"]])
    border, walk = ax.lines
    assert_allclose(border.get_xydata(), [[0.5, top], [0, 0], [1, 0], [0.5, top]])
    assert_allclose(walk.get_xydata(), [[0, 0], [0.25, top / 2]])
    corners = {words: tuple(text.xy) for words, text in texts(ax).items()}
    assert corners == {
        "class 0, the label": (0.5, top), "class 1": (0, 0), "class 2": (1, 0)
    }  # fmt: skip
    assert names(ax)[2] == "T" and not ax.axison
    assert_apart(ax.figure)


class Side:
    """Says class 1 right of a place, else class 0."""

    def __init__(self, place):
        self.place = place

    def predict(self, points):
        return (points[:, 0] > self.place).astype(int)


def test_under_a_loss_stand_the_planes_of_its_marks(ax):  # for its style
    x, y = np.array([[0.0, 0], [2, 1], [4, 0]]), np.array([0, 1, 1])
    networks, losses = [Side(place) for place in range(4)], [4, 3, 2, 0.5]
    fig = plt.figure()
    ax, planes = figures.loss_over_planes(fig, losses, networks, (0, 1, 3), x, y)
    line, *marks = [line.get_xydata().tolist() for line in ax.lines]
    assert line == [[0, 4], [1, 3], [2, 2], [3, 0.5]]
    assert marks == [[[0, 4]], [[1, 3]], [[3, 0.5]]]
    assert {words: t.xy for words, t in texts(ax).items()} == {
        "A": (0, 4), "B": (1, 3), "C": (3, 0.5),
    }  # fmt: skip
    assert ax.get_yscale() == "log" and names(ax)[:2] == ("epoch", "loss")
    for plane, letter, epoch in zip(planes, "ABC", (0, 1, 3), strict=True):
        assert names(plane) == ("", "", f"{letter}, epoch {epoch}")
        row = plane.images[0].get_array()[75]  # from -0.4 to 4.4
        share = (row == tint(CLASS_COLORS[1], 0.28)).all(axis=1).mean()
        assert share == pytest.approx((4.4 - epoch) / 4.8, abs=0.01)
        assert plane.collections[0].get_offsets().tolist() == x.tolist()


def test_line_and_dots_of_one_colour(ax):
    figures.line_and_dots(ax, [1, 2, 3], [4, 5, 6], [4.1, 5, 5.9], "he", "#0072B2")
    line, dots = ax.lines
    assert xy(line) == [[1, 4], [2, 5], [3, 6]] and line.get_linestyle() == "-"
    assert xy(dots) == [[1, 4.1], [2, 5], [3, 5.9]] and dots.get_marker() == "o"
    assert_colors([line.get_color(), dots.get_color()], ["#0072B2"] * 2)
    assert_end(ax, "he", 3, 6, "#0072B2")


def test_rate_curve_rings_its_lowest_point(ax):
    figures.rate_curve(ax, {0.01: 3.0, 0.1: 0.5, 1.0: 2.0}, "25", "#0072B2")
    line, ring = ax.lines
    assert xy(line) == [[0.01, 3], [0.1, 0.5], [1, 2]] and xy(ring) == [[0.1, 0.5]]
    assert_colors([line.get_color(), ring.get_markeredgecolor()], ["#0072B2"] * 2)
    assert ring.get_markerfacecolor() == "white" and ring.get_marker() == "o"
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "log", "rate")
    assert_end(ax, "25", 1.0, 2.0, "#0072B2")


def test_curvature_and_border_share_a_colour(ax):
    figures.curvature_and_border(ax, 0.1, [25.0, 12.0, 20.0], 10, "#009E73")
    curve, border = ax.lines
    assert xy(curve) == [[0, 25], [10, 12], [20, 20]]
    assert border.get_ydata() == [20, 20] and border.get_linestyle() == "--"
    assert_colors([curve.get_color(), border.get_color()], ["#009E73"] * 2)
    label = texts(ax)["2 / 0.1"]
    assert label.xy == (1, 20) and same_color(label.get_color(), text_color("#009E73"))
    assert label.get_position()[1] < 0 and label.get_va() == "top", "below the border"
    assert names(ax)[:2] == ("step", "curvature")


def test_learning_curve(ax):
    runs = {"training": [[1, 1], [0.9]], "validation": [[0.5, 0.7, 0.8], [0.9]]}
    colors = [COLORS["grey"], COLORS["blue"]]
    figures.learning_curve(ax, [100, 1000], runs, colors)
    training, validation = (line.get_xydata() for line in ax.lines)
    assert_allclose(training, [[100, 1], [1000, 0.9]])
    assert_allclose(validation, [[100, 0.7], [1000, 0.9]])
    assert_colors([line.get_color() for line in ax.lines], colors)
    spread = ax.collections[1].get_paths()[0].get_extents()
    assert_allclose([spread.y0, spread.y1], [0.5, 0.9])
    assert set(texts(ax)) == {"training", "validation"}
    assert ax.get_xscale() == "log" and ax.xaxis.get_major_formatter()(1000) == "1,000"
    assert_apart(ax.figure)


def test_worth(ax):
    cures = {"none": 0.5, "some": 0.505, "much": 0.75}
    colors = [COLORS[name] for name in ("purple", "green", "orange")]
    figures.worth(
        ax, fixed([100, 1000, 10_000]), fixed([0, 0.5, 1]), 1000, cures, colors
    )
    curve, *points = ax.lines
    assert_allclose(curve.get_ydata(), [0, 0.5, 1])
    assert [point.get_xydata().tolist() for point in points] == [
        [[1000, height]] for height in cures.values()
    ]
    assert_colors([point.get_color() for point in points], colors)
    tips = [note.xy for note in ax.texts if hasattr(note, "xy")]
    assert_allclose(np.log10(tips)[:, 0], [3, 3.01, 3.5])
    assert_allclose([tip[1] for tip in tips], list(cures.values()))
    labels = [text for text in ax.texts if text.get_text()]
    assert [text.get_text().strip() for text in labels] == [
        "none: 1,000", "some: 1,000", "much: 3,200"
    ]  # fmt: skip
    assert_allclose([text.get_position()[1] for text in labels], [0.5, 0.525, 0.75])
    assert_apart(ax.figure)


def test_framed(ax):
    whole, part = ax.figure.subplots(1, 2)
    image = np.arange(25).reshape(5, 5)
    figures.framed(whole, part, image, 1, 2, 3)
    assert_allclose(whole.images[0].get_array(), image)
    (frame,) = whole.patches
    assert_allclose(frame.get_bbox().get_points(), [[1.5, 0.5], [4.5, 3.5]])
    assert_allclose(part.images[0].get_array(), image[1:4, 2:])


def test_tried(ax):
    pair = ax.figure.subplots(1, 2)
    rows = np.array([(8, 0.1, 0.7), (16, 0.2, 0.9)])
    draws = np.rec.fromrecords(rows.tolist(), names="width,rate,right")
    ticks_of = {"width": [2, 8, 32], "rate": [0.1, 0.2]}
    figures.tried(pair, draws, draws[1], ticks_of, "right")
    for k, ax in enumerate(pair):
        dots, ring = (line.get_xydata() for line in ax.lines)
        assert_allclose(dots, rows[:, [k, 2]])
        assert_allclose(ring, rows[1:, [k, 2]])
        assert ax.get_xlabel() == ["width", "rate"][k]
        assert ax.get_xscale() == ["log", "linear"][k]
    assert ticks(pair[0].xaxis) == {2: "2", 8: "8", 32: "32"}


def test_reliability(ax):
    high, low = fixed([0.6, 0.8, 1]), fixed([0.2, 0.4, 0.6])
    figures.reliability(ax, low, high, "modest", COLORS["sky"])
    figures.reliability(ax, high, low, "bold", COLORS["blue"])
    modest, diagonal, bold, _ = (line.get_xydata() for line in ax.lines)
    assert_allclose(modest, np.c_[low, high])
    assert_allclose(bold, np.c_[high, low])
    assert_allclose(diagonal, [[0, 0], [1, 1]])
    above, below = ax.texts
    assert above.xy == (0.4, 0.8) and below.xy == (0.8, 0.4)
    assert above.get_ha() == "right" and below.get_ha() == "left"
