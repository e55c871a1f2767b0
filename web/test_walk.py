"""A walk through notebook 01 in JupyterLab, in a browser, as a reader takes it.

Not part of `make test`; `make web` runs it. The notebooks are copied first, so that
nothing is written into the project. KEEP=folder keeps the pictures of the screen.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import nbformat
import pytest
from test_pages import ROOT, WEB, browser

PAGE = "notebooks/01_single_pass.ipynb"


def copied(folder):
    """The parts of the project that the page needs, in another folder."""
    for part in ("nbhelpers", "images"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "notebooks").mkdir()
    for name in (PAGE, "notebooks/ledger.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@contextmanager
def jupyterlab(folder):
    """The address of a JupyterLab that serves the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    home = {f"JUPYTER_{k}_DIR": str(folder / k) for k in ("CONFIG", "DATA", "RUNTIME")}
    environment = os.environ | home | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", f"--IdentityProvider.token={token}"]
    command += [f"--notebook-dir={folder}", "--expose-app-in-browser"]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        ends = monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(
                    f"{address}/api?token={token}", timeout=5
                ).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "lab.log").read_text()
                assert monotonic() < ends, "JupyterLab did not start in two minutes"
                sleep(0.5)
        yield f"{address}/lab/tree/{PAGE}?token={token}"
    finally:
        server.terminate()
        server.wait(30)


def walk(folder):
    """The finished walk: its return code, its words."""
    chromium = browser()
    pictures = Path(os.environ.get("KEEP", folder))
    with jupyterlab(folder) as url:
        return subprocess.run(
            ["node", "walk.mjs", chromium, url, str(pictures)],
            cwd=WEB,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
        )


def test_a_walk_through_the_first_page(tmp_path):
    browser()
    done = walk(copied(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the right answer: Exercise 01.1: right." in done.stdout


FAULTS = {  # what is written over what, and what the walk then says
    "a cell that fails": ("rng = np.random", "1 / 0\nrng = np.random", "an error"),
    "a picture of nothing new": (
        "draw(ax, stepped",
        "draw(ax, params",
        "no cell holds",
    ),
    "a check that takes all": (
        'exercise("01.1"',
        'print("Exercise 01.1: right.")  # exercise("01.1"',
        "not attempted yet",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_walk_notices(fault, tmp_path):
    browser()
    old, new, said = FAULTS[fault]
    copied(tmp_path)
    notebook = nbformat.read(tmp_path / PAGE, as_version=4)
    (cell,) = [c for c in notebook.cells if c.cell_type == "code" and old in c.source]
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, tmp_path / PAGE)
    done = walk(tmp_path)
    assert done.returncode == 1 and said in done.stderr, done.stdout + done.stderr
