"""python -m nbhelpers, run as a person runs it, on a few small images."""

import gzip
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from nbhelpers import checkpoint

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


@pytest.fixture
def folder(tmp_path):
    """Images of 6 x 6 of three classes, with enough noise for some mistakes."""
    rng = np.random.default_rng(0)
    source = tmp_path / "small"
    source.mkdir()
    for part, n in (("train", 600), ("t10k", 200)):
        y = rng.integers(0, 3, n)
        x = rng.integers(0, 255, (n, 6, 6))
        x[np.arange(n), 2 * y] = np.minimum(255, x[np.arange(n), 2 * y] + 90)
        write_idx(source / f"{part}-images-idx3-ubyte.gz", x)
        write_idx(source / f"{part}-labels-idx1-ubyte.gz", y)
    return source


def command(*words):
    return [sys.executable, "-m", "nbhelpers", *map(str, words)]


def run(*words, cwd=None):
    done = subprocess.run(command(*words), capture_output=True, text=True, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_it_trains_and_writes_all(folder, tmp_path):
    code, out, err = run("--data", folder, "--epochs", 3, cwd=tmp_path)
    assert code == 0 and err == "", err  # no bar where there is no terminal
    output = tmp_path / "runs" / "small"
    assert {path.name for path in output.iterdir()} == WRITTEN
    table = out[out.index("epoch ") : out.index("On the ")].split("\n")[1:-2]
    assert [line.split()[0] for line in table] == ["1", "2", "3"]
    assert "\r" not in out and "macro mean" in out
    network = checkpoint.load(output / "network.npz")
    assert network.predict(np.zeros((2, 36), np.float32)).shape == (2, 3)
    for picture in output.glob("*.png"):
        assert (
            picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 5e3
        )


def test_resumed_it_ends_as_if_never_stopped(folder, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    words = "--data", folder, "--epochs", 60, "--seed", 4, "--output"
    assert run(*words, whole)[0] == 0
    process = subprocess.Popen(
        command(*words, parts), stdout=subprocess.PIPE, text=True
    )
    while not process.stdout.readline().startswith("    2"):
        pass
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "Stopped by hand in epoch" in said
    assert {path.name for path in parts.iterdir()} == WRITTEN
    assert run(*words, parts, "--resume")[0] == 0
    a, b = (checkpoint.load(path / "network.npz") for path in (whole, parts))
    for name, w in a.params.items():
        np.testing.assert_array_equal(w, b.params[name])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_there_is_a_bar(folder, tmp_path):
    import pty
    import termios

    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 100))
    words = command("--data", folder, "--epochs", 2, "--output", tmp_path / "out")
    process = subprocess.Popen(words, stdout=terminal, stderr=terminal)
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
    assert b"2/2" in seen and b"epoch" in seen


@pytest.mark.parametrize(
    "words, message",
    [
        (["--data", "nowhere"], "Error: nowhere"),
        (["--epochs", "0"], "0 is less than 1"),
        (["--epochs", "x"], "--epochs"),
        (["--resume", "--output", "empty"], "does not exist; was the network saved?"),
    ],
)
def test_a_mistake_gets_one_sentence(words, message, folder, tmp_path):
    if "--resume" in words:
        words = [*words, "--data", folder]
    code, _, err = run(*words, cwd=tmp_path)
    assert code != 0 and message in err and "Traceback" not in err


def test_help_reads_well():
    code, out, _ = run("--help")
    assert code == 0
    for word in ("--data", "--epochs", "--seed", "--output", "--resume", "Ctrl-C"):
        assert word in out
