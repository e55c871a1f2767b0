"""A made-up series of two short notebooks and one beyond, to plant faults in."""

import base64
import io

import nbformat
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from PIL import Image

file = io.BytesIO()
Image.new("RGB", (4, 2)).save(file, "PNG")
PICTURE = base64.b64encode(file.getvalue()).decode()
SHOWN = {"image/png": {"width": 2, "height": 1}}
TIMES = ["nbval-ignore-output"]
HEADER = "| notebook | idea | seconds |\n|---|---|---|\n"
ROWS = ["| 01 | sums | 0.1 |\n", "| 02 | products | 0.2 |\n"]
BEYOND = "| 09 | powers | 0.3 |\n"


def prints(text):
    return new_output("stream", name="stdout", text=text)


def shows(**data):
    bundle = {name.replace("_", "/"): value for name, value in data.items()}
    shown = SHOWN if "image_png" in data else {}
    return new_output("display_data", bundle, metadata=shown)


def code(source, *outputs, **metadata):
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def notebook(*cells):
    """A notebook of these cells, strings for text, as if it had been run once."""
    cells = [new_markdown_cell(c) if isinstance(c, str) else c for c in cells]
    count = 0
    for cell in cells:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    language = {"name": "python"}
    metadata = {"kernelspec": kernel, "language_info": language}
    return new_notebook(cells=cells, metadata=metadata)


def exercises(answer, verdict):
    for number in (1, 2, 3):
        yield f"### Exercise {number}\n\nReturn the number {number + 1}."
        yield code(f"def exercise_{number}():\n    return {answer(number)}")
        yield "How did it go?"
        yield code(
            f'exercise("{number}", exercise_{number}, ((), {number + 1}))',
            prints(f"Exercise {number}: {verdict}.\n"),
        )


def wrong_answers():
    for number in (1, 2, 3):
        yield "A tempting wrong answer."
        yield code(
            f'exercise("{number}", int, ((), {number + 1}))',
            prints(f"Exercise {number}: not yet. Expected {number + 1}, got 0.\n"),
        )


def lesson(number, title, module, links, sources, alt, image, home=".."):
    """A lesson in the frame of the series, with one picture and three exercises.

    home: the way from it to the project, which is longer beyond
    """
    beyond = home != ".."
    rows, package = (BEYOND, ".beyond") if beyond else ("".join(ROWS[:number]), "")
    return notebook(
        f"# {number:02d} - {title}\n\nA sum is built, in 5 minutes.\n\n{links}\n\n"
        "**You need** no more.\n\n"
        "**On this page**: 1 What is a mean? - 2 What does it look like?",
        *(
            cell
            for source in sources
            for cell in ("Here is what it takes.", code(f"#| export\n{source}"))
        ),
        "## 1. What is a mean?\n\n"
        "The mean of two numbers is a sum too:\n\n$$\nm = \\frac{a + b}{2}\n$$",
        code("print(1 + 2)", prints("3\n")),
        "## 2. What does it look like?\n\nThe same, drawn.",
        code(f"#| image: {image}\nplt.show()", shows(image_png=PICTURE), alt=alt),
        f"![{alt}]({home}/images/{image})\n\n## Recap\n\nSums are easy, and quick:",
        code(
            f'ledger({number}, "sums")',
            shows(text_markdown=HEADER + rows),
            tags=TIMES,
        ),
        f"## Exercises\n\nThe [solutions](solutions/{number:02d}_{module}.ipynb).",
        *exercises(lambda n: "...", "not attempted yet"),
        "## What we keep\n\nThe module holds what stands above.",
        code(f"from nbhelpers{package} import {module}\n\nkept({module}, globals())"),
        f"And now: {links}",
    )


def first():
    return lesson(
        1,
        "Add two numbers",
        "first",
        "[contents](README.md), next: [02](02_second.ipynb)",
        [
            '"""First: sums.\n\nExported from notebook 01.\n"""\n\nimport math',
            'def add(a, b):\n    """The sum."""\n    return math.fsum([a, b])',
        ],
        "Two bars stand side by side, and the sum is as high as both.",
        "sum.png",
    )


def second():
    return lesson(
        2,
        "Multiply two numbers",
        "second",
        "previous: [01](01_first.ipynb), [contents](README.md)",
        [
            '"""Second: products."""\n\nfrom nbhelpers.first import add',
            "def twice(a):\n    return add(a, a)",
            "def thrice(a):\n    return add(twice(a), a)",
        ],
        "A rectangle is three squares wide, two high, and holds six.",
        "product.png",
    )


def ninth():
    return lesson(
        9,
        "Raise a number to a power",
        "ninth",
        "[contents](../README.md)",
        [
            '"""Ninth: powers."""\n\nfrom nbhelpers.second import twice',
            "def square(a):\n    return a * twice(a) / 2",
        ],
        "A square is three rows high and three wide, and holds nine.",
        "power.png",
        home="../..",
    )


def solved(page="01_first.ipynb"):
    title = f"# 01 - Solutions\n\nTo [the lesson](../{page})."
    return notebook(title, *exercises(lambda n: n + 1, "right"), *wrong_answers())


def write(root, name, notebook):
    path = root / "notebooks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def edit(path, change):
    """Let `change` work on a notebook's cells, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells)
    nbformat.write(notebook, path)


def cell_with(cells, words):
    """The one cell whose source holds these words."""
    (found,) = [cell for cell in cells if words in cell.source]
    return found


def series(root):
    """Write the whole made-up series, but for what the export makes."""
    write(root, "01_first.ipynb", first())
    write(root, "02_second.ipynb", second())
    write(root, "beyond/09_ninth.ipynb", ninth())
    write(root, "solutions/01_first.ipynb", solved())
    write(root, "solutions/02_second.ipynb", solved())
    write(root, "beyond/solutions/09_ninth.ipynb", solved("09_ninth.ipynb"))
    (root / "notebooks/README.md").write_text("[1](01_first.ipynb)\n")
    (root / "nbhelpers/beyond").mkdir(parents=True)
    (root / "nbhelpers/__init__.py").write_text('"""A toy."""\n')
    (root / "nbhelpers/figures.py").write_text('"""Pictures."""\n\nimport math\n')
