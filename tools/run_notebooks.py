"""Run the notebooks from top to bottom and store what they print and draw.

    python tools/run_notebooks.py [NOTEBOOK ...]     all of them, if none is named

A notebook in which nothing changed but the times that no test compares is left as it
is, so that a second run changes no file.
"""

import base64
import copy
import io
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from export import ROOT, export, write

TIMEOUT = 600  # seconds a cell may take


def execute(path, root):
    """Run one notebook in its folder; return whether its file was written."""
    stored = nbformat.read(path, as_version=4)
    notebook = copy.deepcopy(stored)
    notebook.metadata.pop("widgets", None)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    tidy(notebook, root)
    if essence(notebook) == essence(stored):
        return False
    write(path, nbformat.writes(notebook).encode() + b"\n")
    return True


def with_palette(picture):
    """A PNG in base64 with 256 colours: half as large or less, the same to the eye."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    smaller = io.BytesIO()
    colours = image.quantize(256, dither=Image.Dither.NONE)
    colours.save(smaller, "PNG", optimize=True)
    return base64.b64encode(smaller.getvalue()).decode()


def tidy(notebook, root):
    """Take out what tells of the machine and the editor; make pictures small."""
    kernel = {"display_name": "Python 3 (ipykernel)", "name": "python3"}
    language = notebook.metadata.language_info
    language.pop("version", None)
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {**kernel, "language": "python"}, "language_info": language}
    )
    home = os.path.expanduser("~")
    folders = [f"{root}{os.sep}", f"{root}{os.sep}".replace(home, "~", 1)]
    for cell in notebook.cells:
        for key in cell.metadata.keys() - {"alt", "tags", "jupyter"}:
            del cell.metadata[key]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_palette(output.data["image/png"])
            for folder in folders if output.output_type == "error" else []:
                output.traceback = [
                    line.replace(folder, "") for line in output.traceback
                ]


def essence(notebook):
    """All that a second run must repeat: everything but the outputs with times.

    Of the ledger, which has a time in each row, all rows but the notebook's own count,
    so that it follows the ledgers of the notebooks before it.
    """
    kept = copy.deepcopy(notebook)
    for cell in kept.cells:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            tables = [o.get("data", {}).get("text/markdown", "") for o in cell.outputs]
            cell.outputs = [table.splitlines()[:-1] for table in tables]
    return kept


def main(arguments=None, root=ROOT):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for the kernels, as in conftest.py
    root = root.resolve()
    folder = root / "notebooks"
    depths = ("*.ipynb", "*/*.ipynb", "*/*/*.ipynb")
    everything = [path for each in depths for path in sorted(folder.glob(each))]
    named = [Path(argument).resolve() for argument in arguments or []]
    for path in named:
        if path not in everything:
            print(f"{path} is no notebook in {folder}", file=sys.stderr)
            return 1
    export(root)  # the notebooks import one another's modules
    for path in named or everything:
        print(path.relative_to(root).as_posix(), end=" ", flush=True)
        try:
            print("changed" if execute(path, root) else "as before")
        except Exception as error:  # of a cell, the kernel or the file
            print("failed, and is left as it was")
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        export(root)  # the next notebook reads the ledger
    faults = export(root)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
