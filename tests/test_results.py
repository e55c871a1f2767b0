"""What the command hands over is what the network does with the validation images."""

import json
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from nbhelpers import checkpoint, results
from nbhelpers.fashion_mnist import LABELS, build
from nbhelpers.generalization import confusion_matrix, report
from nbhelpers.single_pass import softmax

HISTORY = {"loss": [2.0, 1.5], "accuracy": [0.1, 0.3]}
HISTORY |= {f"validation_{name}": [v + 0.1 for v in HISTORY[name]] for name in HISTORY}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network that knows nothing, the figures drawn of it, and the files written."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("made")
    network = build(rng, (36, 8, 10))
    x, y = rng.random((60, 36), np.float32), np.arange(60) % 10
    drawn = {}

    def kept(name, draw):
        def keep(*parts):
            return drawn.setdefault(f"{name}.png", draw(*parts))

        return keep

    with pytest.MonkeyPatch.context() as patch:
        for name in ("curves", "confusion", "mistakes"):
            patch.setattr(results, name, kept(name, getattr(results, name)))
        names = results.write(folder, network, HISTORY, (x, y), LABELS)
    scores = network.predict(x)
    return SimpleNamespace(
        x=x, y=y, scores=scores, drawn=drawn, folder=folder, names=names
    )


@pytest.mark.filterwarnings("ignore:.*0/0")
def test_it_writes_what_it_says(made):
    assert sorted(made.names) == sorted(path.name for path in made.folder.iterdir())
    assert sorted(made.names) == sorted(results.WRITTEN)
    again = checkpoint.load(made.folder / "network.safetensors")
    np.testing.assert_array_equal(again.predict(made.x), made.scores)
    about = checkpoint.read_about(made.folder / "network.safetensors")
    assert about == {"names": LABELS}
    assert json.loads((made.folder / "history.json").read_text()) == HISTORY
    wanted = report(made.y, made.scores.argmax(axis=1), LABELS)
    assert (made.folder / "report.txt").read_text() == wanted + "\n"
    for name in made.drawn:
        assert (made.folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_curves_are_the_history(made):
    axes = made.drawn["curves.png"].axes
    for ax, name in zip(axes, ["loss", "accuracy"], strict=True):
        found = {}
        for line in ax.get_lines():
            x, y = line.get_data()
            assert list(x) == list(range(1, len(y) + 1))
            (label,) = [text for text in ax.texts if text.xy == (x[-1], y[-1])]
            found[label.get_text()] = list(y)
        wanted = {
            "training": HISTORY[name],
            "validation": HISTORY[f"validation_{name}"],
        }
        assert found == wanted
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", name)


def test_the_confusion_matrix_is_of_the_network(made):
    wanted = confusion_matrix(made.y, made.scores.argmax(axis=1), 10)
    assert (wanted != wanted.T).any()
    (ax,) = made.drawn["confusion.png"].axes
    found = np.zeros_like(wanted)
    for text in ax.texts:
        predicted, truth = text.get_position()
        found[truth, predicted] = text.get_text()
    np.testing.assert_array_equal(found, wanted)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "truth")
    for axis in (ax.xaxis, ax.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == LABELS


def test_the_mistakes_are_the_surest_first(made):
    predicted, sure = made.scores.argmax(axis=1), softmax(made.scores).max(axis=1)
    wrong = sorted(np.flatnonzero(predicted != made.y), key=lambda row: -sure[row])
    assert len(wrong) > 25
    axes = made.drawn["mistakes.png"].axes
    assert len(axes) == 25
    for ax, row in zip(axes, wrong, strict=False):
        truth, answer = LABELS[made.y[row]], LABELS[predicted[row]]
        assert ax.get_title() == f"truth {truth},\npredicted {answer}"
        np.testing.assert_array_equal(
            ax.images[0].get_array(), made.x[row].reshape(6, 6)
        )


def test_without_mistakes_or_squares_there_is_no_such_picture(made, tmp_path):
    right = np.eye(10)[made.y]
    assert results.mistakes(made.x, made.y, right, LABELS) is None
    assert results.mistakes(made.x[:, :35], made.y, -right, LABELS) is None
    (tmp_path / "mistakes.png").write_bytes(b"of an epoch before")
    drawn = results.draw(tmp_path, HISTORY, made.x, made.y, right, LABELS)
    assert drawn == ["curves.png", "confusion.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(drawn)
    assert plt.get_fignums() == []
