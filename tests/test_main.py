"""python -m nbhelpers: what it hands over is what it measured, and how it goes on."""

import contextlib
import gzip
import io
import json
import os
import runpy
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from nbhelpers import __main__ as command
from nbhelpers import checkpoint
from nbhelpers.datasets import load_idx_folder
from nbhelpers.dynamic_network import Diverged, evaluate
from nbhelpers.fashion_mnist import LABELS, recipe, train
from nbhelpers.generalization import confusion_matrix, report, split
from nbhelpers.single_pass import softmax

WRITTEN = {
    "network.npz",
    "training.npz",
    "history.json",
    "report.txt",
    "curves.png",
    "confusion.png",
    "mistakes.png",
}


def write_idx(path, array):
    """An IDX file of bytes."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    with gzip.open(path, "wb") as file:
        file.write(head + array.astype(np.uint8).tobytes())


def write_images(folder, classes, seed=0):
    """Images of 6 x 6, each class brighter in its place, noisy enough for mistakes."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for part, n in (("train", 1200), ("t10k", 200)):
        y = rng.permutation(np.arange(n) % classes)
        x = rng.integers(0, 255, (n, 36))
        for pixel in range(3):
            x[np.arange(n), 3 * y + pixel] += 170
        x = np.minimum(x, 255).reshape(n, 6, 6)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", x)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", y)
    return folder


def run(*words):
    """The exit code of the command in this process, and what it printed and drew."""
    drawn, savefig = {}, Figure.savefig

    def keep(figure, path):
        drawn[path.name] = figure
        savefig(figure, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = command.main([str(word) for word in words])
    return code, said.getvalue(), drawn


def whole_run(output, folder, names, *words):
    """What the command handed over, and the data that it was given."""
    code, said, drawn = run(*words)
    assert code == 0
    return SimpleNamespace(
        output=output,
        folder=folder,
        names=names,
        said=said,
        drawn=drawn,
        data=load_idx_folder(folder),
        network=checkpoint.load(output / "network.npz"),
        history=json.loads((output / "history.json").read_text()),
    )


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """A run in which nothing is given but the epochs."""
    home = tmp_path_factory.mktemp("home")
    folder = write_images(home / "data" / "fashion_mnist", 10)
    output = home / "runs" / "fashion_mnist"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr(command, "DATA", home / "data")
        return whole_run(output, folder, LABELS, "--epochs", 3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four epochs, five steps each, on a folder of one's own, with seed 4."""
    home = tmp_path_factory.mktemp("home")
    folder, output = write_images(home / "own", 4), home / "whole"
    return whole_run(output, folder, list("0123"), *all_words(folder, output))


def all_words(folder, output):
    return "--data", folder, "--epochs", 4, "--seed", 4, "--output", output


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ------------------------------------------------------------- what it hands over


@pytest.mark.parametrize("name", ["default", "whole"])
def test_the_report_is_of_the_saved_network_on_plain_test_images(name, request):
    got = request.getfixturevalue(name)
    *_, x, y = got.data
    predicted = got.network.predict(x).argmax(axis=1)
    wanted = report(y, predicted, got.names)
    assert (got.output / "report.txt").read_text() == wanted + "\n"
    assert f"On the 200 test images, which took no part in training:\n\n{wanted}" in (
        got.said
    )
    right = (predicted == y).mean()
    assert wanted.endswith(f" {right:.2f}") and right > 0.5


@pytest.mark.parametrize("name, seed", [("default", 0), ("whole", 4)])
def test_it_is_the_recipe_on_the_split_of_the_seed(name, seed, request):
    got = request.getfixturevalue(name)
    rows, held_out = split(*got.data[:2], 1 / 12, np.random.default_rng(seed))
    network, history = train(
        rows,
        np.random.default_rng(seed),
        epochs=len(got.history["loss"]),
        validation=held_out,
    )
    assert history == got.history
    assert network.params.keys() == got.network.params.keys()
    for name, w in network.params.items():
        np.testing.assert_array_equal(w, got.network.params[name])
    found = evaluate(got.network, recipe()[0], *held_out)
    assert found["loss"] == pytest.approx(history["validation_loss"][-1], rel=1e-5)
    assert found["accuracy"] == history["validation_accuracy"][-1]


def test_it_prints_a_row_for_each_epoch(default):
    first, titles, *rows = default.said.split("\n\n")[0].split("\n")
    assert first == "1,100 images to train on, 100 to validate"
    assert titles.split() == "epoch loss accuracy val. loss val. acc.".split()
    assert {len(row) for row in rows} == {len(titles)}
    names = "loss", "accuracy", "validation_loss", "validation_accuracy"
    numbers = zip(*(default.history[name] for name in names), strict=True)
    assert [row.split() for row in rows] == [
        [str(epoch), *(f"{number:.4f}" for number in each)]
        for epoch, each in enumerate(numbers, 1)
    ]


def test_it_writes_all_that_it_says(default):
    assert set(contents(default.output)) == WRITTEN
    said = default.said.partition("\nWritten to ")[2].split()
    assert said[0] == str(Path("runs", "fashion_mnist")) + ":"
    assert len(said) == 8 and set(said[1:]) == WRITTEN
    for name in default.drawn:
        assert (default.output / name).read_bytes().startswith(b"\x89PNG")
    for name in ("network.npz", "training.npz"):
        _, _, history, _ = checkpoint.resume(default.output / name)
        assert history == default.history
    about = checkpoint.read_about(default.output / "training.npz")
    assert about.pop("data") > 0  # a checksum
    assert about == {"seed": 0, "epochs": 3, "held_out": 1 / 12}


def test_the_curves_are_the_history(default):
    for ax, name in zip(
        default.drawn["curves.png"].axes, ["loss", "accuracy"], strict=True
    ):
        found = {}
        for line in ax.get_lines():
            x, y = line.get_data()
            assert list(x) == list(range(1, len(y) + 1))
            (label,) = [text for text in ax.texts if text.xy == (x[-1], y[-1])]
            found[label.get_text()] = list(y)
        assert found == {
            "training": default.history[name],
            "validation": default.history[f"validation_{name}"],
        }
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", name)


def test_the_confusion_matrix_is_of_the_saved_network(default):
    *_, x, y = default.data
    wanted = confusion_matrix(
        y, default.network.predict(x).argmax(axis=1), len(default.names)
    )
    assert (wanted != wanted.T).any()
    (ax,) = default.drawn["confusion.png"].axes
    found = np.zeros_like(wanted)
    for text in ax.texts:
        predicted, truth = text.get_position()
        found[truth, predicted] = text.get_text()
    np.testing.assert_array_equal(found, wanted)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "truth")
    for axis in (ax.xaxis, ax.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == default.names


def test_the_mistakes_are_the_surest_first(default):
    *_, x, y = default.data
    scores = default.network.predict(x)
    predicted, sure = scores.argmax(axis=1), softmax(scores).max(axis=1)
    wrong = sorted(np.flatnonzero(predicted != y), key=lambda row: -sure[row])
    assert len(wrong) > 25
    axes = default.drawn["mistakes.png"].axes
    assert len(axes) == 25
    for ax, row in zip(axes, wrong, strict=False):
        truth, answer = default.names[y[row]], default.names[predicted[row]]
        assert ax.get_title() == f"{truth}?\n{answer}"
        np.testing.assert_array_equal(ax.images[0].get_array(), x[row].reshape(6, 6))


def test_without_mistakes_or_squares_there_is_no_such_picture(whole, tmp_path):
    *_, x, y = whole.data
    names, right = whole.names, np.eye(4)[y]
    assert command.mistakes(x, y, right, names) is None
    assert command.mistakes(x[:, :35], y, -right, names) is None
    drawn = command.draw(tmp_path, whole.history, x, y, right, names)
    assert drawn == ["curves.png", "confusion.png"] == sorted(contents(tmp_path))[::-1]
    assert plt.get_fignums() == []


def report_rows(output):
    """The first words of the rows of a report, without its title and its means."""
    rows = (output / "report.txt").read_text().split("\n")
    return [row.split()[0] for row in rows[1:-3]]


@pytest.mark.filterwarnings("ignore:.*0/0")
def test_names_are_those_of_the_data_set_or_numbers(monkeypatch, tmp_path):
    folder = write_images(tmp_path / "mnist", 4)
    monkeypatch.setattr(command, "DATA", tmp_path)
    monkeypatch.setattr(command, "draw", lambda *parts: [])
    run("--data", "mnist", "--epochs", 1, "--output", tmp_path)
    assert report_rows(tmp_path) == list("0123456789")
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.zeros(200))  # no 1, 2 or 3
    run("--data", folder, "--epochs", 1, "--output", tmp_path)
    assert report_rows(tmp_path) == list("0123")


# ------------------------------------------------------------- again, and further


@contextlib.contextmanager
def on_interrupt(handler):
    """What Ctrl-C does for a while, whatever it does to the tests themselves."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def pressed(step, handler=signal.default_int_handler):
    """A recipe whose schedule presses Ctrl-C at one step of the training."""
    loss, optimizer, schedule = recipe()

    def pressing(now, total_steps):
        if now == step:
            signal.raise_signal(signal.SIGINT)
        return schedule(now, total_steps)

    with pytest.MonkeyPatch.context() as patch, on_interrupt(handler):
        patch.setattr(command, "recipe", lambda: (loss, optimizer, pressing))
        yield


def test_same_seed_same_files_though_an_ignored_interrupt_came(whole, tmp_path):
    with pressed(7, signal.SIG_IGN):
        code, said, _ = run(*all_words(whole.folder, tmp_path))
    assert code == 0 and "Stopped" not in said
    assert contents(tmp_path) == contents(whole.output)


@pytest.fixture(scope="module")
def stopped(whole, tmp_path_factory):
    """The folder of the same run, stopped by hand amid its second epoch."""
    output = tmp_path_factory.mktemp("stopped")
    with pressed(7):
        code, said, _ = run(*all_words(whole.folder, output))
    assert code == 0 and "Stopped by hand in epoch 2" in said
    return output


def test_stopped_by_hand_it_hands_over_the_whole_epochs(whole, stopped):
    assert set(contents(stopped)) == WRITTEN
    history = {name: values[:1] for name, values in whole.history.items()}
    assert json.loads((stopped / "history.json").read_text()) == history


def test_resumed_it_ends_as_if_never_stopped(whole, stopped, tmp_path):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    words = "--data", whole.folder, "--output", tmp_path, "--resume"
    code, said, _ = run(*words)  # with the seed and the epochs of the first time
    assert code == 0 and contents(tmp_path) == contents(whole.output)
    rows = said.partition("val. acc.\n")[2].partition("\n\n")[0].split("\n")
    assert [row.split()[0] for row in rows] == ["2", "3", "4"]


def test_a_finished_training_is_resumed_to_the_same(whole, tmp_path):
    shutil.copytree(whole.output, tmp_path, dirs_exist_ok=True)
    code, *_ = run(*all_words(whole.folder, tmp_path), "--resume")
    assert code == 0 and contents(tmp_path) == contents(whole.output)


OTHER = {
    "seed": (["--seed", 5], "the saved training has seed 4, not 5; leave --seed out"),
    "seed 0": (["--seed", 0], "the saved training has seed 4, not 0"),
    "more epochs": (["--epochs", 9], "the saved training has epochs 4, not 9"),
    "fewer epochs": (["--epochs", 2], "the saved training has epochs 4, not 2"),
    "images": ([], "the saved training is of other images; see --data"),
    "labels": ([], "the saved training is of other images; see --data"),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_training_is_not_resumed(what, whole, tmp_path, capsys):
    words, message = OTHER[what]
    folder = shutil.copytree(whole.folder, tmp_path / "own")
    if not words:
        for path in write_images(tmp_path / "other", 4, 1).glob(f"train-{what}*"):
            shutil.copy(path, folder)
    before = {path: path.stat().st_mtime_ns for path in whole.output.iterdir()}
    code, said, _ = run("--data", folder, "--output", whole.output, "--resume", *words)
    error = capsys.readouterr().err
    assert code == 1 and said == ""
    assert error.startswith(f"Error: --resume: {message}") and error.count("\n") == 1
    assert before == {path: path.stat().st_mtime_ns for path in whole.output.iterdir()}


# ------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("", {"data": "fashion_mnist", "epochs": 25, "seed": 0, "resume": False}),
        ("", {"output": Path("runs", "fashion_mnist")}),
        ("--data mnist", {"data": "mnist", "output": Path("runs", "mnist")}),
        ("--data some/own", {"data": "some/own", "output": Path("runs", "own")}),
        ("--output here --seed 3", {"output": Path("here"), "seed": 3}),
        ("--resume", {"resume": True, "epochs": None, "seed": None}),
        ("--resume --seed 0 --epochs 2", {"seed": 0, "epochs": 2}),
    ],
)
def test_options(words, wanted):
    options = vars(command.parse(words.split()))
    assert {name: options[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "words, message",
    [
        (["--data", "nowhere"], "Error: nowhere does not exist"),
        (["--seed", "-1"], "Error: expected non-negative integer"),
        (["--resume"], "training.npz does not exist; was the network saved?"),
        (["--epochs", "0"], "argument --epochs: 0 is less than 1"),
        (["--epochs", "x"], "argument --epochs: invalid count value: 'x'"),
    ],
)
def test_a_mistake_gets_one_sentence(words, message, whole, tmp_path, capsys):
    words = ["--data", whole.folder, "--output", tmp_path / "new", *words]
    code = 0
    try:
        code, said, _ = run(*words)
    except SystemExit as end:  # argparse's way
        code = end.code
    error = capsys.readouterr().err
    assert code in (1, 2) and message in error.split("\n")[-2]
    assert not (tmp_path / "new").exists()


def test_a_training_that_diverged_is_told_in_one_sentence(
    whole, tmp_path, monkeypatch, capsys
):
    def diverge(*now):
        raise Diverged("the loss is nan")

    monkeypatch.setattr(command, "recipe", lambda: (*recipe()[:2], diverge))
    assert run("--data", whole.folder, "--output", tmp_path)[0] == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: the loss is nan") and error.count("\n") == 1


def test_help_tells_every_option(capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    for word in ("--data", "--epochs", "--seed", "--output", "--resume"):
        assert f"\n  {word} " in said
    assert "Ctrl-C" in said


def test_the_exit_status_is_that_of_main(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["nbhelpers", "--data", "nowhere"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(command.__file__, run_name="__main__")
    assert end.value.code == 1 and "nowhere does not exist" in capsys.readouterr().err


def test_an_import_leaves_matplotlib_alone():
    before = matplotlib.get_backend()
    try:
        plt.switch_backend("svg")
        runpy.run_path(command.__file__)
        assert matplotlib.get_backend() == "svg"
    finally:
        plt.switch_backend(before)


# ------------------------------------------------------------- as a person runs it


def spawn(*words, **options):
    """The command as a process of its own, which Ctrl-C can stop."""
    line = [sys.executable, "-m", "nbhelpers", *map(str, words)]
    with on_interrupt(signal.default_int_handler):  # an ignored one is inherited
        return subprocess.Popen(line, **options)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_each_row_comes_at_once_and_ctrl_c_stops(whole, tmp_path):
    # A backend that cannot be loaded; a network too young to predict every class.
    process = spawn(
        *("--data", whole.folder, "--epochs", 140, "--output", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"MPLBACKEND": "module://no", "PYTHONWARNINGS": "ignore"}
        | {"PYTHONUNBUFFERED": ""},  # else nothing would have to be flushed
    )
    for row in process.stdout:  # all 140 would fit into the buffer of the pipe
        if row.startswith("    2"):
            break
    process.send_signal(signal.SIGINT)
    said, error = process.communicate()
    assert process.returncode == 0 and error == ""  # no bar: this is no terminal
    assert "Stopped by hand in epoch" in said and "macro mean" in said
    assert "\r" not in said and set(contents(tmp_path)) == WRITTEN
    _, _, saved, _ = checkpoint.resume(tmp_path / "training.npz")
    history = json.loads((tmp_path / "history.json").read_text())
    done = len(saved["loss"])
    assert {name: values[:done] for name, values in history.items()} == saved
    assert len(history["loss"]) <= done + 1  # stopped while it was being saved


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_there_is_a_bar(whole, stopped, tmp_path):
    import pty
    import termios

    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 100))
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    words = "--data", whole.folder, "--output", tmp_path, "--resume"
    process = spawn(*words, stdout=terminal, stderr=terminal)
    os.close(terminal)
    seen = b""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            piece = os.read(main, 4096)
        except OSError:  # what Linux says when the other end is closed
            break
        if not piece:
            break
        seen += piece
    assert process.wait() == 0
    for bar in (b" 1/4 ", b" 4/4 "):
        assert bar in seen
    assert contents(tmp_path) == contents(whole.output)
