"""Known faults, planted one at a time: each must turn a check red.

Some go into a lesson, whose own asserts must stop it. The others go into a copy of the
package, where the test named must fail: faults that `make mutants` cannot plant, for
more than one symbol changes, and that one test or two alone stand against.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

import matplotlib
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
matplotlib.use("Agg")  # in the process of the pages too, which imports this module


def plant(text, right, wrong):
    """The text with the fault in it, which must stand at exactly one place."""
    assert text.count(right) == 1, f"{text.count(right)} times: {right}"
    return text.replace(right, wrong)


# ---------------------------------------------------------------------- in the lessons


def sources(name):
    """The code cells of a lesson, all but *What we keep*."""
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    return [source for source in code if "kept(" not in source]


def what_stops(cells):
    """Run cells in order as a script; the error that ends it, in words, or None."""
    page = {"__name__": "__main__"}
    for number, source in enumerate(cells):
        try:
            with redirect_stdout(StringIO()):
                exec(compile(source, f"code cell {number}", "exec"), page)
        except Exception as error:
            return f"{type(error).__name__} in code cell {number}: {error}"


@pytest.fixture(scope="module")
def apart():
    """A process for the pages, which change settings of NumPy and Matplotlib."""
    here = ROOT / "notebooks"
    with ProcessPoolExecutor(1, get_context("spawn"), os.chdir, (here,)) as process:
        yield process


SOFTMAX_BACKWARD = "return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))"
IN_LESSONS = {
    "bias gradient summed to a scalar": (
        "02_layers",
        'self.grads["b"] = dy.sum(axis=0)',
        'self.grads["b"] = dy.sum() + np.zeros(dy.shape[1])',
    ),
    "transposed W in dx": (
        "02_layers",
        'return dy @ self.params["W"].T',
        'return dy @ self.params["W"].reshape(self.params["W"].shape[::-1])',
    ),
    "ReLU masked with >= on the output": (
        "03_activations",
        "return dy * (self.x > 0)",
        "return dy * (relu(self.x) >= 0)",
    ),
    "softmax Jacobian applied twice": (
        "03_activations",
        SOFTMAX_BACKWARD,
        "dy = self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))\n"
        f"        {SOFTMAX_BACKWARD}",
    ),
    "1/n missing": ("04_losses", "dz /= len(dz)", "pass"),
    "log without the shift": (
        "04_losses",
        "z = z - z.max(axis=1, keepdims=True)",
        "z = z + 0",
    ),
    "no sum over what was stretched": (
        "beyond/11_autograd",
        "g = g.sum(axis=tuple(range(g.ndim - len(shape))))",
        "g = g.reshape(-1, *g.shape[g.ndim - len(shape) :])[0]",
    ),
    "overwritten where a value is used twice": (
        "beyond/11_autograd",
        "np.asarray(g if parent.grad is None else parent.grad + g)",
        "np.asarray(g)",
    ),
    "an entry picked twice keeps one gradient": (
        "beyond/11_autograd",
        "return np.bincount(home.ravel(), g.ravel(), a.size).reshape(a.shape)",
        "da = np.zeros(a.size)\n"
        "        da[home.ravel()] = g.ravel()\n"
        "        return da.reshape(a.shape)",
    ),
    "sign of the gradient": (
        "04_losses",
        "return 2 * self.difference / self.difference.size",
        "return -2 * self.difference / self.difference.size",
    ),
}


@pytest.mark.parametrize("fault", IN_LESSONS)
def test_a_lesson_stops_at(fault, apart):
    name, right, wrong = IN_LESSONS[fault]
    cells = sources(name)
    (k,) = [i for i, s in enumerate(cells) if s.startswith("#| export") and right in s]
    cells[k] = plant(cells[k], right, wrong)
    said = apart.submit(what_stops, cells).result()
    assert str(said).startswith("AssertionError"), said


@pytest.mark.parametrize("name", sorted({name for name, *_ in IN_LESSONS.values()}))
def test_without_a_fault_the_lesson_runs_through(name, apart):
    assert apart.submit(what_stops, sources(name)).result() is None


# ---------------------------------------------------------------------- in the package

IN_MODULES = {
    "what is remembered is shared by parameters of one shape": (
        "dynamic_network",
        "slots = [getattr(optimizer, slot)",
        "name = w.shape\n    slots = [getattr(optimizer, slot)",
        "test_optimizers.py::test_an_optimizer_of_ones_own",
    ),
    "batches not shuffled": (
        "dynamic_network",
        "order = rng.permutation(len(x))",
        "order = np.arange(len(x))",
        "test_training.py::test_batches_come_in_a_new_order_each_time",
    ),
    "validation measured with dropout on": (
        "dynamic_network",
        "scores = network.predict(x[rows])",
        "scores = network.forward(x[rows])",
        "test_training.py::test_evaluate_is_without_dropout",
    ),
    "test images used in choosing": (
        "guard",
        '    arguments["data"] = x, y\n',
        '    arguments["validation"] = arguments["data"][2:]\n'
        '    arguments["data"] = x, y\n',
        "test_fashion_mnist.py::test_what_follows_the_first_two_of_the_data_is_left_alone",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and its tests."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("nbhelpers", "tests"):
        leave = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=leave)
    shutil.copy(ROOT / "conftest.py", root)
    return root


@pytest.mark.parametrize("fault", IN_MODULES)
def test_a_test_fails_for(fault, copy):
    name, right, wrong, test = IN_MODULES[fault]
    text = (ROOT / f"nbhelpers/{name}.py").read_text(encoding="utf-8")
    module = copy / f"nbhelpers/{name}.py"
    module.write_text(plant(text, right, wrong), encoding="utf-8")
    command = "-m pytest -q -x --disable-plugin-autoload -p no:cacheprovider"
    done = subprocess.run(
        [sys.executable, *command.split(), f"tests/{test}"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{ROOT / 'tools'}"},
        capture_output=True,
        text=True,
    )
    module.write_text(text, encoding="utf-8")
    assert "1 failed" in done.stdout, done.stdout + done.stderr
