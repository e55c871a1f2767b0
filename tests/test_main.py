"""python -m nbhelpers: what it hands over is what it measured, and how it goes on."""

import contextlib
import gzip
import io
import json
import os
import runpy
import shlex
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
from PIL import Image

from nbhelpers import __main__ as command
from nbhelpers import __version__, checkpoint, fashion_mnist, results
from nbhelpers.datasets import load_idx_folder
from nbhelpers.dynamic_network import Diverged, evaluate
from nbhelpers.fashion_mnist import LABELS, recipe, train
from nbhelpers.generalization import report, split
from nbhelpers.optimizers import AdamW
from nbhelpers.single_pass import softmax

WRITTEN = {"training.safetensors", *results.WRITTEN}


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
    """The exit code of the command in this process, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = command.main([str(word) for word in words])
    return code, said.getvalue()


def whole_run(output, folder, names, seed, *words):
    """What the command handed over, and the data that it was given."""
    code, said = run(*words)
    assert code == 0
    x, y, *test = load_idx_folder(folder)
    rows, held_out = split(x, y, 1 / 12, np.random.default_rng(seed))
    return SimpleNamespace(
        output=output,
        folder=folder,
        names=names,
        seed=seed,
        said=said,
        rows=rows,
        held_out=held_out,
        test=test,
        network=checkpoint.load(output / "network.safetensors"),
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
        return whole_run(output, folder, LABELS, 0, "--epochs", 3, "--test")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four epochs, five steps each, on a folder of one's own, with seed 4."""
    home = tmp_path_factory.mktemp("home")
    folder, output = write_images(home / "own", 4), home / "whole"
    return whole_run(output, folder, list("0123"), 4, *all_words(folder, output))


def all_words(folder, output):
    return "--data", folder, "--epochs", 4, "--seed", 4, "--output", output


def contents(folder):
    """By name, but for the lock."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found.pop(".lock", b"") == b""
    return found


def times(folder):
    return {n: (folder / n).stat().st_mtime_ns for n in WRITTEN}


# ------------------------------------------------------------- what it hands over


@pytest.mark.parametrize("name", ["default", "whole"])
@pytest.mark.filterwarnings("ignore:.*0/0")
def test_the_report_is_of_the_saved_network_on_plain_validation_images(name, request):
    got = request.getfixturevalue(name)
    x, y = got.held_out
    predicted = got.network.predict(x).argmax(axis=1)
    wanted = report(y, predicted, got.names)
    assert (got.output / "report.txt").read_text() == wanted + "\n"
    assert f"On the {len(y)} validation images:\n\n{wanted}\n" in got.said
    right = (predicted == y).mean()
    assert wanted.endswith(f" {right:.2f}") and right > 0.4


def test_the_test_images_are_measured_on_request(default, whole):
    x, y = default.test
    right = (default.network.predict(x).argmax(axis=1) == y).mean()
    assert default.said.endswith(f"\ntest accuracy {right:.4f}\n")
    assert "test accuracy" not in whole.said


@pytest.mark.parametrize("name", ["default", "whole"])
def test_it_is_the_recipe_on_the_split_of_the_seed(name, request):
    got = request.getfixturevalue(name)
    network, history = train(
        got.rows,
        np.random.default_rng(got.seed),
        epochs=len(got.history["loss"]),
        validation=got.held_out,
    )
    assert history == got.history
    assert network.params.keys() == got.network.params.keys()
    for name, w in network.params.items():
        np.testing.assert_array_equal(w, got.network.params[name])
    found = evaluate(got.network, recipe()[0], *got.held_out)
    assert found["loss"] == pytest.approx(history["validation_loss"][-1], rel=1e-5)
    assert found["accuracy"] == history["validation_accuracy"][-1]


def test_it_prints_a_row_for_each_epoch(default):
    first, titles, *rows = default.said.split("\n\n")[0].split("\n")
    assert first == "1,100 images to train on, 100 to validate: a twelfth of each class"
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
    said = default.said.partition("\nWritten to ")[2].partition("\n\n")[0].split()
    assert said[0] == str(Path("runs", "fashion_mnist")) + ":"
    assert len(said) == 8 and set(said[1:]) == WRITTEN
    for name in ("network.safetensors", "training.safetensors"):
        _, _, history, _ = checkpoint.resume(default.output / name)
        assert history == default.history
    about = checkpoint.read_about(default.output / "training.safetensors")
    assert about.pop("data") > 0  # a checksum
    recipe = [__version__, "SoftmaxCrossEntropy(label_smoothing=0.1)", repr(AdamW())]
    recipe[2] = recipe[2].replace("0.01", "0.1")
    assert about == {"seed": 0, "epochs": 3, "held_out": 1 / 12, "recipe": recipe}


@pytest.mark.filterwarnings("error")  # no word of classes never predicted
def test_names_are_those_of_the_data_set_or_numbers(monkeypatch, tmp_path):
    folder = write_images(tmp_path / "mnist", 4)
    monkeypatch.setattr(command, "DATA", tmp_path)
    monkeypatch.setattr(results, "draw", lambda *parts: [])
    for data, names in (("mnist", "0123456789"), (folder, "0123")):
        run("--data", data, "--epochs", 1, "--output", tmp_path / names)
        rows = (tmp_path / names / "report.txt").read_text().split("\n")[1:-3]
        assert [row.split()[0] for row in rows] == list(names)


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
        code, said = run(*all_words(whole.folder, tmp_path))
    assert code == 0 and "Stopped" not in said
    assert contents(tmp_path) == contents(whole.output)


@pytest.fixture(scope="module")
def stopped(whole, tmp_path_factory):
    """The folder of the same run, stopped by hand amid its second epoch."""
    output = tmp_path_factory.mktemp("stopped")
    with pressed(7):
        code, said = run(*all_words(whole.folder, output), "--test")
    assert code == 130 and "Stopped by hand in epoch 2" in said
    assert said.endswith("\nStopped after 1 of 4 epochs; --resume goes on.\n")
    assert set(contents(output)) == WRITTEN
    history = {name: values[:1] for name, values in whole.history.items()}
    assert json.loads((output / "history.json").read_text()) == history
    return output


def test_resumed_it_ends_as_if_never_stopped(whole, stopped, tmp_path):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    words = "--data", whole.folder, "--output", tmp_path, "--resume"
    code, said = run(*words)  # with the seed and the epochs of the first time
    assert code == 0 and contents(tmp_path) == contents(whole.output)
    rows = said.partition("val. acc.\n")[2].partition("\n\n")[0].split("\n")
    assert [row.split()[0] for row in rows] == ["2", "3", "4"]


def test_of_a_finished_training_nothing_is_written_again(whole):
    before = times(whole.output)
    code, said = run(*all_words(whole.folder, whole.output), "--resume")
    assert code == 0 and "\nall 4 epochs are done\n" in said
    assert times(whole.output) == before


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_results_are_replaced_only_on_request(whole, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"of somebody")
    code, _ = run(*all_words(whole.folder, tmp_path))
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {tmp_path} has {name} already; --resume continues")
    assert code == 1 and contents(tmp_path) == {name: b"of somebody"}
    with pressed(2):  # in the first epoch: there is nothing yet to replace it
        assert run(*all_words(whole.folder, tmp_path), "--overwrite")[0] == 130
    assert contents(tmp_path) == {name: b"of somebody"}


def test_overwritten_nothing_is_left_of_the_run_before(whole, tmp_path, monkeypatch):
    def write(*parts, write=results.write):
        assert set(contents(tmp_path)) == {"training.safetensors"}
        return write(*parts)

    for name in WRITTEN:
        (tmp_path / name).write_bytes(b"of somebody")
    monkeypatch.setattr(results, "write", write)
    assert run(*all_words(whole.folder, tmp_path), "--overwrite")[0] == 0
    assert contents(tmp_path) == contents(whole.output)


OTHER = {
    "seed": (["--seed", 5], "the saved training has seed 4, not 5; leave --seed out"),
    "seed 0": (["--seed", 0], "the saved training has seed 4, not 0"),
    "more epochs": (["--epochs", 9], "the saved training has epochs 4, not 9"),
    "fewer epochs": (["--epochs", 2], "the saved training has epochs 4, not 2"),
    "images": ([], "the saved training is of other images; see --data"),
    "labels": ([], "the saved training is of other images; see --data"),
    "recipe": ([], "the saved training has recipe ['2"),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_training_is_not_resumed(what, whole, tmp_path, capsys, monkeypatch):
    words, message = OTHER[what]
    folder = shutil.copytree(whole.folder, tmp_path / "own")
    if what == "recipe":
        monkeypatch.setattr(command, "recipe", lambda: (None, None, None))
    elif not words:
        for path in write_images(tmp_path / "other", 4, 1).glob(f"train-{what}*"):
            shutil.copy(path, folder)
    before = times(whole.output)
    code, said = run("--data", folder, "--output", whole.output, "--resume", *words)
    error = capsys.readouterr().err
    assert code == 1 and said == ""
    assert error.startswith(f"Error: --resume: {message}") and error.count("\n") == 1
    assert before == times(whole.output)


PLACES = {
    "loading": (command, "load_idx_folder"),
    "building": (fashion_mnist, "build"),
    "drawing": (results, "confusion"),
    "predicting": (command, "read_picture"),
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_ctrl_c_comes_the_status_is_130(place, whole, tmp_path, capsys):
    module, name = PLACES[place]

    def press(*parts):
        signal.raise_signal(signal.SIGINT)
        return getattr(module, name)(*parts)

    words = all_words(whole.folder, tmp_path / "new")
    if place == "predicting":
        words = "predict", whole.output / "network.safetensors", "picture.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, press)
        with on_interrupt(signal.default_int_handler):
            assert run(*words)[0] == 130
    assert capsys.readouterr().err == "Stopped by hand.\n"
    if place == "drawing":  # the results came first, and go on from here
        assert {"network.safetensors", "report.txt"} < set(contents(tmp_path / "new"))
        assert run(*words, "--resume")[0] == 0
        assert contents(tmp_path / "new") == contents(whole.output)


@pytest.mark.parametrize("epoch", [1, 4])
def test_ctrl_c_amid_the_saving_loses_nothing(epoch, whole, tmp_path, monkeypatch):
    times, write_whole = [], checkpoint.write_whole

    def press(path, content):
        times.append(path)
        if len(times) == epoch:
            signal.raise_signal(signal.SIGINT)
        write_whole(path, content)

    monkeypatch.setattr(checkpoint, "write_whole", press)
    with on_interrupt(signal.default_int_handler):
        code, _ = run(*all_words(whole.folder, tmp_path))
    assert code == (130 if epoch < 4 else 0)
    _, _, history, _ = checkpoint.resume(tmp_path / "training.safetensors")
    assert len(history["loss"]) == epoch
    if epoch < 4:
        assert run("--data", whole.folder, "--output", tmp_path, "--resume")[0] == 0
    assert contents(tmp_path) == contents(whole.output)


# ------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("", {"data": "fashion_mnist", "epochs": 25, "seed": 0, "resume": False}),
        ("--data ..", {"output": Path("runs", Path.cwd().parent.name)}),
        ("--data .", {"output": Path("runs", Path.cwd().name)}),
        ("--data /", {"output": Path("runs", "data")}),
        ("", {"overwrite": False, "output": Path("runs", "fashion_mnist")}),
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
        ("--data nowhere", "Error: nowhere does not exist; give the folder of the"),
        ("--seed -1", "argument --seed: -1 is less than 0"),
        ("--resume", "Error: --resume: there is no "),
        ("--resume --overwrite", "not allowed with argument --resume"),
        (f"--output {__file__}", "test_main.py is a file, not a folder"),
        ("--epochs 0", "argument --epochs: 0 is less than 1"),
        ("--epochs x", "argument --epochs: invalid whole_number value: 'x'"),
    ],
)
def test_a_mistake_gets_one_sentence(words, message, whole, tmp_path, capsys):
    words = ["--data", whole.folder, "--output", tmp_path / "new", *words.split()]
    code = 0
    try:
        code, said = run(*words)
    except SystemExit as end:  # argparse's way
        code = end.code
    error = capsys.readouterr().err
    assert code in (1, 2) and message in error.split("\n")[-2]
    assert not (tmp_path / "new").exists()


def test_a_class_of_few_images_is_told_with_its_folder(tmp_path, capsys):
    folder = write_images(tmp_path / "few", 4)
    write_idx(folder / "train-labels-idx1-ubyte.gz", 3 * (np.arange(1200) == 0))
    assert run("--data", folder, "--output", tmp_path / "new")[0] == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {folder}: split: class 3 has 1 rows, too few")


def test_divergence_is_told_in_one_sentence(whole, tmp_path, monkeypatch, capsys):
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
    for word in ("data", "epochs", "seed", "output", "test", "resume", "overwrite"):
        assert f"\n  --{word} " in said
    assert "Ctrl-C" in said and "predict --help" in said


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


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has none of this")


@posix
def test_each_row_comes_at_once_and_ctrl_c_stops(whole, tmp_path):
    # A backend that cannot be loaded; a network too young to predict every class;
    # PYTHONUNBUFFERED would do what must be done.
    words = "--data", whole.folder, "--epochs", 140, "--output", tmp_path
    process = spawn(
        *words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"MPLBACKEND": "module://no", "PYTHONUNBUFFERED": ""},
    )
    for row in process.stdout:  # all 140 would fit into the buffer of the pipe
        if row.startswith("    2"):
            break
    other = spawn(*words, "--resume", stderr=subprocess.PIPE, text=True)
    assert "another training is writing here" in other.communicate()[1]
    process.send_signal(signal.SIGINT)
    said, error = process.communicate()
    assert process.returncode == 130 and error == ""  # no bar: this is no terminal
    assert "Stopped by hand in epoch" in said and "macro mean" in said
    assert "\r" not in said and set(contents(tmp_path)) == WRITTEN
    _, _, saved, _ = checkpoint.resume(tmp_path / "training.safetensors")
    assert json.loads((tmp_path / "history.json").read_text()) == saved


TROUBLE = {
    "a closed pipe": "{} | head -2",
    "a full disk": "{} >/dev/full 2>/dev/full",
    "closed": "{} >&- 2>&-",
    "ASCII": "PYTHONIOENCODING=ascii {}",
}


@posix
@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_with_the_output_ends_no_training(trouble, whole, tmp_path):
    output = tmp_path / "\u00fcber"
    words = map(str, (*all_words(whole.folder, output), "--test"))
    line = shlex.join([sys.executable, "-m", "nbhelpers", *words])
    end = subprocess.run(
        ["bash", "-c", "set -o pipefail; " + TROUBLE[trouble].format(line)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert end.returncode == 0 and end.stderr == b""
    assert contents(output) == contents(whole.output)


@posix
def test_killed_at_any_moment_it_goes_on_to_the_same_end(whole, tmp_path):
    rng = np.random.default_rng(0)
    words, kills = list(all_words(whole.folder, tmp_path)), 0
    for number in (*(signal.SIGKILL, signal.SIGTERM) * 2, signal.SIGHUP):
        process = spawn(*words, stdout=subprocess.PIPE)
        process.stdout.readline()  # it has begun
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(number)
        kills += process.wait() == -number
        process.stdout.close()
        if (tmp_path / "training.safetensors").exists() and "--resume" not in words:
            words.append("--resume")
    assert kills > 1
    assert run(*words)[0] == 0
    assert contents(tmp_path) == contents(whole.output)


@posix
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
    for bar in (b" 5/20 ", b" 10/20 ", b" 20/20 "):
        assert bar in seen
    assert contents(tmp_path) == contents(whole.output)


# ------------------------------------------------------------- predicting


@pytest.fixture(scope="module")
def pictures(default, tmp_path_factory):
    """The first five test images as PNG files."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, x in enumerate(default.test[0][:5]):
        grey = Image.fromarray((x.reshape(6, 6) * 255).round().astype(np.uint8))
        grey.save(folder / f"{i}.png")
        grey.convert("RGB").save(folder / f"{i} in colours.png")
        Image.fromarray(255 - np.asarray(grey)).save(folder / f"{i} on paper.png")
    return folder


@pytest.mark.parametrize("kind", ["", " in colours", " on paper"])
def test_what_a_picture_shows(default, pictures, kind):
    paths = [pictures / f"{i}{kind}.png" for i in range(5)]
    words = ["--invert"] if "paper" in kind else []
    network = default.output / "network.safetensors"
    code, said = run("predict", network, *paths, *words)
    rows = said.strip().split("\n")
    p = softmax(default.network.predict(default.test[0][:5]))
    assert code == 0 and len(rows) == 5
    for row, path, each in zip(rows, paths, p, strict=True):
        best = sorted(range(10), key=lambda k: -each[k])[:3]
        wanted = ", ".join(f"{LABELS[k]} {each[k]:.4f}" for k in best)
        assert row == f"{path}: {wanted}"


@pytest.mark.parametrize(
    "light, words, hints", [(0, [], 0), (255, ["--invert"], 0), (255, [], 1)]
)
def test_a_picture_on_paper_is_told(default, tmp_path, capsys, light, words, hints):
    grey = np.full((6, 6), light, np.uint8)
    grey[0, 0] = grey[2:4] = 255 - light  # one corner may be of the thing itself
    Image.fromarray(grey).save(tmp_path / "seven.png")
    network = default.output / "network.safetensors"
    assert run("predict", network, tmp_path / "seven.png", *words)[0] == 0
    said = f"{tmp_path / 'seven.png'} is light at its corners: try --invert\n"
    assert capsys.readouterr().err == said * hints


@pytest.mark.parametrize(
    "network, picture, message",
    [
        ("training.safetensors", "0.png", "is no network.safetensors of this command"),
        ("nothing", "0.png", "does not exist; was the network saved?"),
        ("network.safetensors", "large.png", "it has 7 x 6 pixels, not 6 x 6"),
    ],
)
def test_no_prediction(default, pictures, network, picture, message, capsys):
    Image.new("L", (7, 6)).save(pictures / "large.png")
    code, said = run("predict", default.output / network, pictures / picture)
    error = capsys.readouterr().err
    assert code == 1 and message in error and error.count("\n") == 1
