"""A walk through notebook 01 in JupyterLab, in a browser, as a reader takes it.

Not part of `make test`; `make web` runs it. The notebooks are copied first, so that
nothing is written into the project; pictures of the screen go to pytest's folder.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from time import sleep

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPEN = "window.jupyterapp?.shell.currentWidget"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with the notebooks, and the address of a JupyterLab that serves it."""
    folder = tmp_path_factory.mktemp("lab")
    for part in ("images", "notebooks"):
        shutil.copytree(ROOT / part, folder / part)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    home = {f"JUPYTER_{k}_DIR": str(folder / k) for k in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", f"--IdentityProvider.token={token}"]
    command += [f"--notebook-dir={folder}", "--expose-app-in-browser"]
    log = folder / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, env=os.environ | home, stdout=out, stderr=out
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=5)
                break
            except OSError:
                assert server.poll() is None, log.read_text()
                sleep(0.5)
        page = "lab/workspaces/{0}/tree/notebooks/{0}.ipynb"
        yield folder, f"{address}/{page}?token={token}"
    finally:
        server.terminate()
        server.wait(30)


class Notebook:
    """A notebook that is open in a tab of JupyterLab."""

    def __init__(self, tab, url):
        self.tab = tab
        tab.set_default_timeout(120_000)
        tab.goto(url)
        tab.wait_for_function(
            f"{OPEN}?.sessionContext?.session?.kernel?.status === 'idle' &&"
            f"{OPEN}.content?.model?.cells.length > 50"
        )

    def cells(self):
        """The code cells, each with its place among all."""
        cells = self.tab.evaluate(f"{OPEN}.content.model.toJSON().cells")
        return [(at, c) for at, c in enumerate(cells) if c["cell_type"] == "code"]

    def do(self, command):
        """What an entry of the menu does, until it is done."""
        self.tab.evaluate(
            """command => {
                window.done = false;
                jupyterapp.commands.execute(command).then(() => (window.done = true));
            }""",
            command,
        )
        self.tab.wait_for_function("window.done")

    def run(self, words, old="", new=""):
        """The outputs of the cell with the words, run with `new` in place of `old`."""
        at = next(at for at, cell in self.cells() if words in cell["source"])
        self.tab.evaluate(
            """async ([at, old, now]) => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = at;
                await notebook.scrollToItem(at);
                const cell = notebook.model.cells.get(at).sharedModel;
                cell.setSource(cell.getSource().replace(old, now));
            }""",
            [at, old, new],
        )
        self.do("notebook:run-cell")
        return dict(self.cells())[at]["outputs"]


def text(outputs):
    return "".join(o.get("text", o.get("evalue", "")) for o in outputs)


def drawn(outputs):
    (picture,) = [o["data"]["image/png"] for o in outputs if "data" in o]
    return picture


def walk(tab, url, folder):
    """A reader's first minutes: run a page, change a number, try an exercise."""

    def snap(name):
        tab.screenshot(path=folder / f"{name}.png")

    notebook = Notebook(tab, url)
    snap("1-opened")

    notebook.do("notebook:run-all-cells")
    snap("2-run")
    cells = [cell for _, cell in notebook.cells()]
    for cell in cells:
        for output in cell["outputs"]:
            wrong = output["output_type"] == "error" or output.get("name") == "stderr"
            assert not wrong, f"{cell['source']}\n{text([output])}"
    assert [c["execution_count"] for c in cells] == [*range(1, len(cells) + 1)]

    picture = '"your guesses"'
    before = drawn(notebook.run(picture))
    notebook.run("guess_best, guess_harm =", "0.03", "0.06")
    after = drawn(notebook.run(picture))
    snap("3-other-guess")
    assert after != before, "another guess drew the same picture"
    assert text(notebook.run("after(0.05)", "0.05", "0.01")) == "loss 0.0303\n"

    stub, check = "def hat", 'exercise("01.1"'
    numbers = "return np.ones((1, 3)), np.array([1.0, 0, -1]), np.array([[1.0], {}]]), "
    wrong, right = (numbers.format(w) + "np.zeros(1)" for w in ("[-1], [0", "[-2], [1"))
    assert "not attempted yet" in text(notebook.run(check))
    notebook.run(stub, "return ...", wrong)
    answer = text(notebook.run(check))
    snap("4-wrong-answer")
    assert "not yet. Expected" in answer and " got " in answer
    notebook.run(stub, wrong, right)
    assert "Exercise 01.1: right." in text(notebook.run(check))


@pytest.fixture
def tab(chromium, tmp_path):
    with chromium.new_page(viewport={"width": 1300, "height": 950}) as page:
        yield page
        page.screenshot(path=tmp_path / "last.png")


def test_a_walk_through_the_first_page(tab, lab, tmp_path):
    walk(tab, lab[1].format("01_single_pass"), tmp_path)


FAULTS = {  # what is written over what, and what the walk then says
    "a_cell_that_fails": ("rng = np.random", "1 / 0; rng = np.random", "division"),
    "a_picture_of_nothing_new": (
        "ax.plot([guess_best",
        "ax.plot([0.03",
        "the same picture",
    ),
    "a_check_that_takes_all": (
        'exercise("01.1"',
        'print("Exercise 01.1: right.")  # exercise("01.1"',
        "not attempted yet",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_walk_notices(fault, tab, lab, tmp_path):
    folder, url = lab
    page = (folder / "notebooks/01_single_pass.ipynb").read_text(encoding="utf-8")
    old, new = (json.dumps(source)[1:-1] for source in FAULTS[fault][:2])
    assert page.count(old) == 1
    planted = folder / f"notebooks/{fault}.ipynb"
    planted.write_text(page.replace(old, new), encoding="utf-8")
    with pytest.raises(AssertionError, match=FAULTS[fault][2]):
        walk(tab, url.format(fault), tmp_path)
