"""Make the modules, the pictures and the ledger from the notebooks.

    python tools/export.py            write every file that differs
    python tools/export.py --check    write nothing; name every difference and its cell

notebooks/NN_name.ipynb makes nbhelpers/name.py of its cells that begin `#| export`, in
order and unchanged; images/NAME.png of the picture below a cell that begins
`#| image: NAME.png`; and one row of the ledger.md beside it, the last of the table
below the cell that calls `ledger(`. A page in notebooks/beyond/ makes a module in
nbhelpers/beyond/, which the pages outside of it may not import.
"""

import argparse
import ast
import base64
import io
import json
import keyword
import os
import re
import secrets
import subprocess
import sys
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import nbformat
from nbconvert import PythonExporter
from nbconvert.preprocessors import RegexRemovePreprocessor
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("module.py.j2")
# Written by hand: those below import no lesson, those above may import every one.
BELOW = {"border", "guard", "in_place", "files", "datasets", "figures", "diagrams"}
BELOW |= {"lesson"}
ABOVE = {"checkpoint", "results", "__main__"}
BY_HAND = BELOW | ABOVE | {"__init__", "beyond.__init__"}
FOLDERS = ("", "beyond/")  # of notebooks, and of the package
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Lesson:
    """One notebook, and what is to be made of it.

    number, name: 2, "layers" of 02_layers.ipynb    module: the text of layers.py
    folder: "", or "beyond/", of which the names begin "beyond."
    pictures: pairs of name and bytes    ledger: the lines of its table
    faults: what is wrong    broken: whether nothing can be made of it
    """

    def __init__(self, path, root):
        self.label = path.relative_to(root).as_posix()
        self.folder = self.label.removeprefix("notebooks/").removesuffix(path.name)
        self.number, name = int(path.stem[:2]), self.folder + path.stem[3:]
        self.name, self.target = name.replace("/", "."), f"nbhelpers/{name}.py"
        self.cells, self.exported, self.faults = [], [], []
        self.module, self.pictures, self.ledger = "", [], []
        self.broken = False
        try:
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            nbformat.writes(notebook).encode()  # fails for a lone surrogate
        except Exception as error:  # whatever a damaged file brings about
            reason = str(error).partition("\n")[0][:100]
            return self.fail(f"{self.label}: cannot be read, {reason}")
        self.cells = list(enumerate(notebook.cells, 1))
        self.read_marks()
        self.read_module(notebook)
        self.read_ledger()

    def code(self):
        return [(n, cell) for n, cell in self.cells if cell.cell_type == "code"]

    def where(self, number):
        """The place of a cell as a reader finds it; text cells are counted too."""
        count = dict(self.cells)[number].execution_count
        return f"{self.label} cell {number} (In [{count or ' '}])"

    def fail(self, fault):
        self.faults.append(fault)
        self.broken = True

    def read_marks(self):
        """Sort out the cells that begin with a mark; no other line may be one."""
        for number, cell in self.code():
            for row, line in enumerate(cell.source.split("\n")):
                picture = re.fullmatch(r"#\| image: ([\w-]+\.png)", line)
                if row == 0 and line == "#| export":
                    self.exported.append((number, cell))
                elif row == 0 and picture:
                    self.read_picture(number, cell, picture[1])
                elif re.match(r"\s*#\s*\|", line):
                    self.fail(f"{self.where(number)}: no use for the line {line!r}")

    def read_picture(self, number, cell, name):
        place = f"{self.where(number)}: images/{name}"
        data = [output.get("data", {}) for output in cell.outputs]
        found = [bundle["image/png"] for bundle in data if "image/png" in bundle]
        if len(found) != 1:
            fault = f"{place} needs one picture below it, has {len(found)}"
            return self.faults.append(fault)
        try:
            picture = base64.b64decode(found[0])
            Image.open(io.BytesIO(picture), formats=["PNG"]).verify()
        except Exception:  # Pillow has many words for what is no picture
            return self.faults.append(f"{place} is damaged: `make notebooks`")
        self.pictures.append((name, picture))

    def read_module(self, notebook):
        """Let nbconvert put the marked cells together, and see that it is Python."""
        exporter = PythonExporter(template_file=str(TEMPLATE))
        unmarked = RegexRemovePreprocessor(patterns=[r"(?!#\| export\n)"])
        exporter.register_preprocessor(unmarked, enabled=True)
        self.module, _ = exporter.from_notebook_node(notebook)
        if not self.exported:
            return self.fail(f"{self.label}: no cell begins with '#| export'")
        try:
            tree = ast.parse(self.module)
            compile(tree, self.target, "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            place = self.where(self.origin(getattr(error, "lineno", None) or 1))
            reason = getattr(error, "msg", None) or error
            return self.fail(f"{place}: {self.target} would not compile, {reason}")
        if not ast.get_docstring(tree):
            place = self.where(self.exported[0][0])
            self.faults.append(f"{place}: {self.target} must open with a docstring")
        names = [node.name for node in tree.body if isinstance(node, DEFINITIONS)]
        for name, times in Counter(names).items():
            if times > 1:
                self.fail(f"{self.label}: {name} is defined {times} times")

    def origin(self, line):
        """The number of the cell that a line of the module is from."""
        origins = []
        for number, cell in self.exported:
            body = cell.source.partition("\n")[2].strip("\n")
            origins += [number] * (body.count("\n") + 3)  # two blank lines after it
        return origins[min(line, len(origins)) - 1]

    def read_ledger(self):
        for _, cell in self.code():
            if re.search(r"\bledger\(", cell.source):
                for output in cell.outputs:
                    table = output.get("data", {}).get("text/markdown", "")
                    self.ledger = re.findall(r"^\|.*", table, re.MULTILINE)
        if len(self.ledger) < 3:
            self.faults.append(f"{self.label}: no ledger table below a cell")


def read_lessons(root):
    """Every notebook of the series, and a complaint for every other one."""
    lessons, faults = [], []
    folders = [root / "notebooks" / folder for folder in FOLDERS]
    for path in [path for each in folders for path in sorted(each.glob("*.ipynb"))]:
        number, _, name = path.stem.partition("_")
        importable = name.isidentifier() and not keyword.iskeyword(name)
        if re.fullmatch("[0-9]{2}", number) and importable:
            lessons.append(Lesson(path, root))
        else:
            label = path.relative_to(root).as_posix()
            faults.append(f"{label}: its name is not NN_name.ipynb")
    if not lessons:
        faults.append(f"{root / 'notebooks'} has no NN_name.ipynb")
    for lesson in lessons:
        if lesson.name.lower() in BY_HAND:
            lesson.fail(f"{lesson.label}: {lesson.target} is written by hand")
        for other in lessons:
            if other is not lesson and same_place(other, lesson):
                lesson.fail(f"{lesson.label}: {other.label} has its number or name")
    return lessons, faults


def same_place(one, other):
    """Whether two lessons have one number, or modules that are one file on a Mac."""
    return one.number == other.number or one.name.lower() == other.name.lower()


def products(lessons):
    """What the notebooks make: {name of the file: (its bytes, its maker)}."""
    made, whole = {}, [lesson for lesson in lessons if not lesson.broken]
    for lesson in whole:
        made[lesson.target] = lesson.module.encode(), lesson
        for name, picture in lesson.pictures:
            made[f"images/{name}"] = picture, lesson
    for folder in FOLDERS:
        tables = [each.ledger for each in whole if each.folder == folder]
        tables = [table for table in tables if table]
        if tables and len(whole) == len(lessons):
            lines = tables[0][:2] + [table[-1] for table in tables]
            text = "\n".join(lines) + "\n"
            made[f"notebooks/{folder}ledger.md"] = text.encode(), None
    return made


def write(path, content):
    """Replace the file by one with this content: whole, or not at all."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(new, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def export(root):
    """Write what the notebooks make, where it differs; return what is wrong."""
    lessons, faults = read_lessons(root)
    for name, (content, _) in products(lessons).items():
        path = root / name
        try:
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, content)
                print("wrote", name)
        except OSError as error:
            faults.append(f"{name} cannot be written: {error.strerror}")
    return faults + [fault for lesson in lessons for fault in lesson.faults]


def check(root):
    """What is wrong with the notebooks, and where the files differ from them."""
    lessons, faults = read_lessons(root)
    made = products(lessons)
    for lesson in lessons:
        faults += lesson.faults
    for name, (content, lesson) in made.items():
        faults += differences(root / name, name, content, lesson)
    for lesson in lessons:
        faults += undefined_names(lesson)
    faults += strays(root, lessons, made)
    faults += late_imports(root, lessons)
    return faults


def differences(path, name, content, lesson):
    """At most one fault: the file is missing, or is not what its maker makes."""
    if not path.exists():
        maker = lesson.label if lesson else "the notebooks"
        return [f"{name} is missing: `make export` makes it from {maker}"]
    if not path.is_file():
        return [f"{name} is no file: move it away, and `make export`"]
    found = path.read_bytes()
    if found == content:
        return []
    if lesson is None:
        return [f"{name} is not the last rows of the notebooks' ledgers: `make export`"]
    if name != lesson.target:
        return [f"{name} is not the picture in {lesson.label}: `make export`"]
    lines = found.decode(errors="replace").split("\n"), lesson.module.split("\n")
    pairs = enumerate(zip_longest(*lines), 1)
    line = next((number for number, (a, b) in pairs if a != b), 1)
    words = (at for at, text in enumerate(lines[1], 1) if at >= line and text)
    place = lesson.where(lesson.origin(next(words, line)))
    return [
        f"{name} line {line} is not what {place} says: "
        "change the notebook, never the module, and run `make export`"
    ]


def undefined_names(lesson):
    """Names that the module uses and does not define: ruff's F821."""
    command = "ruff check --isolated --select F821 --output-format json -".split()
    text = lesson.module.encode() if not lesson.broken else b""
    result = subprocess.run(
        [sys.executable, "-m", *command], input=text, stdout=subprocess.PIPE
    )
    for finding in json.loads(result.stdout):
        place = lesson.where(lesson.origin(finding["location"]["row"]))
        yield (
            f"{place}: {finding['message']} in {lesson.target}; "
            "what an exported cell uses, an exported cell must define"
        )


def strays(root, lessons, made):
    """Modules without a notebook, and pictures without one or with two."""
    known = {lesson.name for lesson in lessons} | BY_HAND
    for folder in FOLDERS:
        for path in sorted((root / "nbhelpers" / folder).glob("*.py")):
            if folder.replace("/", ".") + path.stem not in known:
                yield f"nbhelpers/{folder}{path.name} has no notebook"
    names = Counter(name for lesson in lessons for name, _ in lesson.pictures)
    for name in [name for name, times in names.items() if times > 1]:
        yield f"images/{name} is made by more than one cell"
    for path in sorted((root / "images").glob("*")):
        if f"images/{path.name}" not in made:
            yield f"images/{path.name} is made by no notebook"


def late_imports(root, lessons):
    """Imports of a module that does not come before the importing one."""
    rank = {lesson.name: lesson.number for lesson in lessons}
    rank |= dict.fromkeys(BELOW | {"__version__"}, 0) | dict.fromkeys(ABOVE, 100)
    modules = [(lesson.name, lesson.module, lesson) for lesson in lessons]
    for path in sorted((root / "nbhelpers").glob("*.py")):
        if path.stem in BELOW | ABOVE:
            modules.append((path.stem, path, None))
    for name, source, lesson in modules:
        if lesson and lesson.broken:
            continue
        try:
            tree = ast.parse(source if lesson else source.read_text("utf-8"))
        except (OSError, SyntaxError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            yield f"nbhelpers/{name}.py cannot be read: {reason}"
            continue
        where = lesson.target if lesson else f"nbhelpers/{name}.py"
        for imported, line in sorted(set(imports(tree))):
            if imported == name or rank.get(imported, 1000) > rank[name]:
                place = f"{where} line {line}"
                if lesson:
                    place += f", {lesson.where(lesson.origin(line))},"
                yield f"{place} imports {imported}, which does not come before it"


def imports(tree):
    """The modules of nbhelpers that a module imports, each with its line.

    Those of nbhelpers.beyond have names such as "beyond.autograd".
    """
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = "nbhelpers" if node.level else None
            home = ".".join(filter(None, [package, node.module]))
            names = [f"{home}.{alias.name}" for alias in node.names]
        for parts in (name.split(".") for name in names):
            if parts[0] == "nbhelpers" and len(parts) > 1:
                depth = 3 if parts[1] == "beyond" else 2
                yield ".".join(parts[1:depth]), node.lineno


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the project")
    options = parser.parse_args(arguments)
    faults = check(options.root) if options.check else export(options.root)
    for fault in faults:
        print(fault, file=sys.stderr)
    if options.check and not faults:
        print("modules, pictures and ledger are what the notebooks say")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
