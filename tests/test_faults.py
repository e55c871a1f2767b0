"""Known faults, planted one at a time: each must turn a check red.

The first ones go into a notebook, whose own checks must stop it; the second ones into a
copy of the package, against which a part of the tests must fail.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
RUNNER = """
import sys
import matplotlib
matplotlib.use("Agg")
import nbformat
page = {"__name__": "__main__"}
for number, cell in enumerate(nbformat.read(sys.argv[1], 4).cells, 1):
    if cell.cell_type != "code" or "kept(" in cell.source:
        continue
    expected = "raises-exception" in cell.metadata.get("tags", [])
    try:
        exec(compile(cell.source, f"cell {number}", "exec"), page)
    except Exception as error:
        if not expected:
            print("STOPPED", type(error).__name__, "in cell", number, error)
            sys.exit(3)
"""


def run_page(notebook, folder):
    """Run a notebook's cells as a script, all but *What we keep*: code, output."""
    environment = os.environ | {"MPLBACKEND": "Agg"}
    command = [sys.executable, "-c", RUNNER, str(notebook)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def plant(text, right, wrong):
    """The text with the fault in it, which must stand at exactly one place."""
    assert text.count(right) == 1, f"{text.count(right)} times: {right}"
    return text.replace(right, wrong)


SOFTMAX_BACKWARD = "return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))"
IN_NOTEBOOKS = {
    "ReLU masked with >= on the output": (
        "03_activations",
        "return dy * (self.x > 0)",
        "return dy * (relu(self.x) >= 0)",
    ),
    "bias gradient summed to a scalar": (
        "02_layers",
        'self.grads["b"] = dy.sum(axis=0)',
        'self.grads["b"] = dy.sum() + np.zeros(dy.shape[1])',
    ),
    "1/n missing": ("04_losses", "dz /= len(dz)", "pass"),
    "1/n twice": ("04_losses", "dz /= len(dz)", "dz /= len(dz) ** 2"),
    "transposed W in dx": (
        "02_layers",
        'return dy @ self.params["W"].T',
        'return dy @ self.params["W"].reshape(self.params["W"].shape[::-1])',
    ),
    "softmax Jacobian applied twice": (
        "03_activations",
        SOFTMAX_BACKWARD,
        "dy = self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))\n"
        f"        {SOFTMAX_BACKWARD}",
    ),
    "log without the shift": (
        "04_losses",
        "z = z - z.max(axis=1, keepdims=True)",
        "z = z + 0",
    ),
    "sign of the gradient": (
        "04_losses",
        "return 2 * self.difference / self.difference.size",
        "return -2 * self.difference / self.difference.size",
    ),
}


@pytest.mark.parametrize("fault", IN_NOTEBOOKS)
def test_a_notebook_stops_at(fault, tmp_path):
    name, right, wrong = IN_NOTEBOOKS[fault]
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    exported = [c for c in notebook.cells if c.source.startswith("#| export")]
    (cell,) = [c for c in exported if right in c.source]
    cell.source = plant(cell.source, right, wrong)
    nbformat.write(notebook, tmp_path / "page.ipynb")
    code, said = run_page(tmp_path / "page.ipynb", ROOT / "notebooks")
    assert code == 3, said
    assert "STOPPED AssertionError" in said, said


@pytest.mark.parametrize("name", sorted({name for name, *_ in IN_NOTEBOOKS.values()}))
def test_without_a_fault_the_notebook_runs_through(name):
    notebook = ROOT / "notebooks" / f"{name}.ipynb"
    code, said = run_page(notebook, ROOT / "notebooks")
    assert code == 0, said


OVER_ROOT = "root += eps * math.sqrt(n)\n    step = m / root\n"
IN_MODULES = {
    "Adam's t from 0": (
        "optimizers",
        "    return (1 - beta**t) / (1 - beta)",
        "    return (1 - beta ** (t - 1 + 1e-9)) / (1 - beta)",
        "test_optimizers.py",
    ),
    "epsilon outside the bracket": (
        "optimizers",
        OVER_ROOT,
        "step = m / root + eps\n",
        "test_optimizers.py",
    ),
    "optimizer state shared": (
        "optimizers",
        "    if name not in sums:",
        "    name = np.size(g)\n    if name not in sums:",
        "test_optimizers.py",
    ),
    "last partial batch dropped": (
        "dynamic_network",
        "for start in range(0, len(x), batch_size):\n        rows = order",
        "for start in range(0, len(x) // batch_size * batch_size, batch_size):\n"
        "        rows = order",
        "test_training.py",
    ),
    "batches not shuffled": (
        "dynamic_network",
        "order = rng.permutation(len(x))",
        "order = np.arange(len(x))",
        "test_training.py",
    ),
    "gradients kept from the last step": (
        "layers",
        'self.grads["b"] = dy.sum(axis=0)',
        'self.grads["b"] = dy.sum(axis=0) + self.grads.get("b", 0)',
        "test_training.py",
    ),
    "validation measured with dropout on": (
        "dynamic_network",
        "scores = network.predict(x[rows])",
        "scores = network.forward(x[rows])",
        "test_training.py",
    ),
    "test data used in choosing": (
        "fashion_mnist",
        'x, y = check_data("train", "data", data[:2], np.float32)',
        "x, y, *validation = data",
        "test_training.py",
    ),
    "schedule stepped per epoch": (
        "dynamic_network",
        "schedule(step, total_steps) for step in",
        "schedule(step // 4 * 4, total_steps) for step in",
        "test_training.py",
    ),
    "macro and micro swapped": (
        "generalization",
        'average == "micro"',
        'average == "macro"',
        "test_reference.py",
    ),
}


@pytest.mark.parametrize("fault", IN_MODULES)
def test_a_test_fails_for(fault, tmp_path):
    name, right, wrong, test = IN_MODULES[fault]
    for folder in ("nbhelpers", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "conftest.py", tmp_path)
    module = tmp_path / "nbhelpers" / f"{name}.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(plant(text, right, wrong), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"tests/{test}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
