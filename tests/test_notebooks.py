"""What the files of the notebooks must be like, beside what nbval compares.

Each test reads one notebook as it is stored. test_notebook_faults.py plants what they
must find.
"""

import ast
import base64
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from export import BELOW, imports

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ROOT / "notebooks", ROOT / "notebooks/beyond"
LESSONS = [p for f in FOLDERS for p in sorted(f.glob("[0-9][0-9]_*.ipynb"))]
SOLUTIONS = [p for f in FOLDERS for p in sorted(f.glob("solutions/*.ipynb"))]
NOT_COMPARED = "nbval-ignore-output"  # what `expect` prints, and so many times:
MOST_TIMES = {"07_generalization": 6, "08_fashion_mnist": 8}  # elsewhere 4
SUPPORT_LATE = {"checkpoint"}  # it knows the layers of 01 to 07


def every(paths):
    """Run a test on each of these notebooks."""
    names = [path.relative_to(ROOT / "notebooks").as_posix() for path in paths]
    return pytest.mark.parametrize("path", paths, ids=names)


each_lesson = every(LESSONS)
each_notebook = every(LESSONS + SOLUTIONS)


def read(path):
    return read_version(path, path.stat().st_mtime_ns)


@cache
def read_version(path, _):
    return nbformat.read(path, as_version=4)


def code(path):
    """The code cells, each with its place as In [n]."""
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    return [(f"In [{cell.execution_count}]", cell) for cell in cells]


def prose(path):
    """The Markdown of the notebook, by cell."""
    return [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def printed(cell):
    """All the text below a cell."""
    texts = [output.get("text", "") for output in cell.outputs]
    for output in cell.outputs:
        bundle = output.get("data", {})
        texts += [str(bundle[kind]) for kind in bundle if not kind.startswith("image/")]
        texts += output.get("traceback", [])
    return "\n".join(texts)


def without_code(text):
    """Markdown without its fenced and inline code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


FORMULA = re.compile(r"\$\$.+?\$\$|(?<!\\)\$[^$\n]+?\$", re.DOTALL)


def without_formulas(text):
    return FORMULA.sub("", text)


def links(text):
    """(is it a picture, its words, its target) for each link of a Markdown text."""
    pattern = r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)"
    return re.findall(pattern, without_formulas(without_code(text)))


def is_sentence(alt):
    return len(alt) >= 30 and alt[0].isupper() and alt.rstrip().endswith(".")


# ---- the whole series


def test_every_lesson_has_its_solutions():
    left = {path.parent / "solutions" / path.name for path in LESSONS} ^ {*SOLUTIONS}
    assert not left, f"{left}: a lesson without solutions, or the reverse"


def test_the_contents_link_every_lesson():
    contents = (ROOT / "notebooks/README.md").read_text(encoding="utf-8")
    targets = {target for _, _, target in links(contents)}
    left = {path.relative_to(FOLDERS[0]).as_posix() for path in LESSONS} - targets
    assert not left, f"notebooks/README.md does not link {left}"


@pytest.mark.parametrize("folder", ["", "notebooks", "data"])
def test_the_links_of_the_pages_exist(folder):
    for path in (ROOT / folder).glob("*.md"):
        check_links(path, path.read_text(encoding="utf-8"))


# ---- the file


@each_notebook
def test_run_once_from_top_to_bottom(path):
    counts = [cell.execution_count for _, cell in code(path)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


@each_notebook
def test_valid_and_free_of_the_machine(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info
    for place, cell in code(path):
        assert set(cell.metadata) <= {"alt", "tags", "jupyter"}, (
            f"{place}: {set(cell.metadata)}"
        )


@each_notebook
def test_small_enough(path):
    size = path.stat().st_size
    assert size < 500_000, f"{size} bytes, over 500 kB"


@each_notebook
def test_no_paths_of_a_machine(path):
    pattern = r"/home/|/Users/|/root/|/tmp/|[A-Z]:\\|site-packages|ipykernel_\d"
    texts = [cell.source for cell in read(path).cells]
    texts += [printed(cell) for _, cell in code(path)]
    for text in texts:
        found = re.search(rf"{pattern}|{re.escape(str(ROOT))}|File ~", text)
        assert not found, text[max(found.start() - 40, 0) : found.end() + 40]


# ---- the outputs


@each_notebook
def test_errors_only_where_they_are_the_lesson(path):
    for place, cell in code(path):
        fails = any(output.output_type == "error" for output in cell.outputs)
        meant = "raises-exception" in tags(cell)
        assert not fails or meant, f"{place} raised an error"
        assert fails or not meant, f"{place} is tagged raises-exception and did not"


@each_notebook
def test_no_warnings(path):
    for place, cell in code(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", f"{place}: {output.text[:200]}"


@each_notebook
def test_the_same_text_on_every_run(path):
    for place, cell in code(path):
        assert not re.search(r"\bat 0x|0x[0-9a-f]{9,}", printed(cell)), place
        assert not cell.source.rstrip().endswith(";"), f"{place}: nbval ignores the ;"


@each_notebook
def test_outputs_short_enough_to_read(path):
    for place, cell in code(path):
        assert len(printed(cell)) < 20_000, place


@each_notebook
def test_only_what_differs_is_not_compared(path):
    times = 0
    for place, cell in code(path):
        others = tags(cell) - {NOT_COMPARED, "raises-exception"}
        assert not others, f"{place}: {others}"
        assert "NBVAL_" not in cell.source, f"{place}: a tag says this unseen"
        if re.search(r"\bexpect\(", cell.source):
            tagged = NOT_COMPARED in tags(cell)
            assert tagged, f"{place}: what expect prints differs, tag it {NOT_COMPARED}"
        elif NOT_COMPARED in tags(cell):
            times += 1
            reason = re.search(r"time|seconds|ledger", cell.source)
            assert reason, f"{place}: has no time and no expect, and is not compared"
    assert times <= MOST_TIMES.get(path.stem, 4), f"{times} times not compared"


# ---- the code


@each_notebook
def test_plain_python(path):
    for place, cell in code(path):
        assert cell.source.strip(), f"{place}: empty"
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            pytest.fail(f"{place}: {error.text}: a magic, or no Python")


@each_notebook
def test_code_short_enough_to_read(path):
    lengths = {place: len(cell.source.splitlines()) for place, cell in code(path)}
    for place, cell in code(path):  # `Network` with its five verbs has 34, `fit` 33
        most = 35 if cell.source.startswith("#| export") else 30
        assert lengths[place] <= most, f"{place}: {lengths[place]} lines"
    longer = [place for place, length in lengths.items() if length > 15]
    assert len(longer) <= 0.1 * len(lengths), f"more than 15 lines: {longer}"


@each_notebook
def test_prose_before_every_code_cell(path):
    before = ""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            before = cell.source
        else:
            assert has_prose(before), f"In [{cell.execution_count}]: no prose before it"
            before = ""


def has_prose(text):
    """Whether there are words beside headings, links and tags."""
    text = re.sub(r"^#.*|<[^>]*>|!?\[[^\]]*\]\([^)]*\)", "", text, flags=re.MULTILINE)
    return len(text.split()) >= 3


@each_lesson
def test_imports_only_what_earlier_notebooks_made(path):
    allowed = BELOW | earlier(path)
    if int(path.stem[:2]) >= 7:
        allowed |= SUPPORT_LATE
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and "What we keep" in cell.source:
            allowed.add(module(path))
        if cell.cell_type == "code":
            for name, _ in imports(ast.parse(cell.source)):
                assert name in allowed, f"In [{cell.execution_count}] imports {name}"


def module(path):
    """The name of the lesson's module: "layers", or "beyond.autograd"."""
    return ("beyond." if path.parent.name == "beyond" else "") + path.stem[3:]


def earlier(path):
    """The modules before a lesson's; beyond the eight, those that it says it needs."""
    beside = lessons_beside(path)
    if path.parent.name != "beyond":
        return {module(lesson) for lesson in beside[: beside.index(path)]}
    walk = path.parent.parent.glob("[0-9][0-9]_*.ipynb")
    _, _, need = "\n\n".join(prose(path)[:3]).partition("**You need**")
    targets = {target for _, _, target in links(need.partition("\n\n")[0])}
    needed = {lesson for lesson in beside if lesson.name in targets}
    return {module(lesson) for lesson in {*walk, *needed}}


# ---- the text


@each_notebook
def test_links_and_pictures_exist(path):
    for text in prose(path):
        check_links(path, text)


def check_links(path, text):
    for picture, words, target in links(text):
        local = not re.match(r"https?://|mailto:", target)
        assert local or not picture, f"{target}: a picture from elsewhere"
        if local:
            file = path.parent / target.partition("#")[0]
            assert not target.startswith("#"), f"{target}: GitHub has no such anchor"
            assert file.exists(), f"{target} does not exist"
        if picture:
            assert is_sentence(words), f"{target}: alt text '{words}' is no sentence"


@each_notebook
def test_every_drawn_picture_has_alt_text(path):
    """nbconvert, here and on GitHub, takes it from `alt` of the cell's metadata."""
    for place, cell in code(path):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        pictures = {kind for kind in kinds if kind.startswith("image/")}
        assert pictures <= {"image/png"}, f"{place}: {pictures}"
        if pictures:
            alt = cell.metadata.get("alt", "")
            assert is_sentence(alt), f"{place}: alt text '{alt}' is no sentence"


@each_notebook
def test_every_drawn_picture_is_sharp_on_todays_screens(path):
    """It is shown at half its size: of each point the screen has four."""
    for place, cell in code(path):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                png = base64.b64decode(output.data["image/png"])
                shown = output.metadata.get("image/png", {})
                size = [int.from_bytes(png[at : at + 4]) for at in (16, 20)]
                half = [n // 2 for n in size]
                found = [shown.get(side) for side in ("width", "height")]
                assert found == half, f"{place}: shown at {found}, half is {half}"


@each_notebook
def test_only_markdown_that_github_renders(path):
    for text in prose(path):
        assert "```mermaid" not in text
        text = without_code(text)
        for bad in ("<img", "[!NOTE]", "attachment:", "<script", "<style"):
            assert bad not in text, bad
        assert not re.search(r"\[\^\w+\]", without_formulas(text)), "a footnote"


@each_notebook
def test_only_formulas_that_github_renders(path):
    for text in map(without_code, prose(path)):
        outside = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
        assert "\\begin" not in outside, "\\begin stands outside of $$"
        assert "$$" not in outside, "$$ without its partner"
        refused = r"\\(newcommand|operatorname|mbox|phantom|def|require)\b"
        assert not re.search(refused, text), re.search(refused, text)[0]
        for formula in FORMULA.findall(text):
            assert "<br" not in formula, formula


# ---- the frame of a lesson


def lessons_beside(path):
    return sorted(path.parent.glob("[0-9][0-9]_*.ipynb"))


@each_lesson
def test_previous_contents_next(path):
    contents = "../README.md" if path.parent.name == "beyond" else "README.md"
    names = [contents, *(lesson.name for lesson in lessons_beside(path)), None]
    here = names.index(path.name)
    wanted = [names[here - 1], contents, names[here + 1]]
    wanted = list(dict.fromkeys(filter(None, wanted)))  # one of each
    targets = [target for _, _, target in links(prose(path)[0])]
    found = [target for target in targets if target in wanted]
    assert found == wanted, f"the first cell must lead to {wanted}, leads to {found}"
    targets = [target for _, _, target in links(prose(path)[-1])]
    assert wanted[-1] in targets, f"the last cell must lead to {wanted[-1]}"


FRAME = ["Recap", "Exercises", "What we keep"]


@each_lesson
def test_the_frame_of_a_lesson(path):
    text = "\n".join(prose(path))
    assert re.match(rf"# {path.stem[:2]} - \S", text), text[:60]
    assert "minutes" in "\n".join(prose(path)[:3]).lower(), "how long does it take?"
    headings = [re.search(rf"^#+ .*{name}", text, re.MULTILINE) for name in FRAME]
    assert all(headings), f"headings that must be there: {FRAME}"
    starts = [heading.start() for heading in headings]
    assert starts == sorted(starts), f"the order must be {FRAME}"


@each_lesson
def test_the_list_of_sections(path):
    text = "\n".join(prose(path)).replace("`", "")
    _, _, top = "\n".join(prose(path)[:3]).replace("`", "").partition("On this page")
    entry = r"(?:^|: | - )(\d+)\.? (.+?)\.?(?= - \d|$)"
    listed = re.findall(entry, top, re.MULTILINE)
    sections = re.findall(r"^## (\d+)\. (.+)", text, re.MULTILINE)
    assert [int(n) for n, _ in sections] == list(range(1, len(sections) + 1)), sections
    assert listed == sections, f"On this page should say {sections}"


@each_lesson
def test_the_ledger_so_far(path):
    beside, rows = lessons_beside(path), ledger(path)
    before = beside[: beside.index(path)]
    wanted = len(before) + 3
    assert len(rows) == wanted, "a header of two lines and a row for each notebook"
    if before:
        before = ledger(before[-1])
        assert rows[:-1] == before, "earlier rows are out of date: run `make notebooks`"


def ledger(path):
    """The lines of the notebook's one table of the series so far."""
    (cell,) = [cell for _, cell in code(path) if re.search(r"\bledger\(", cell.source)]
    tables = [out.get("data", {}).get("text/markdown", "") for out in cell.outputs]
    return re.findall(r"^\|.*", "\n".join(tables), re.MULTILINE)


def checks(path):
    """The cells that check an exercise."""
    return [cell for _, cell in code(path) if re.search(r"\bexercise\(", cell.source)]


@each_lesson
def test_exercises_wait_to_be_attempted(path):
    assert 3 <= len(checks(path)) <= 5, f"{len(checks(path))} exercises, not 3 to 5"
    for cell in checks(path):
        assert "not attempted yet" in printed(cell), cell.source


@each_lesson
def test_exercises_are_solved(path):
    solutions = checks(path.parent / "solutions" / path.name)
    solved = {cell.source: printed(cell) for cell in solutions}
    for cell in checks(path):
        assert cell.source in solved, f"not checked in the solutions:\n{cell.source}"
        assert re.search(r": right\b", solved[cell.source]), solved[cell.source]


@each_lesson
def test_exercises_refuse_a_wrong_answer(path):
    said = "".join(map(printed, checks(path.parent / "solutions" / path.name)))
    for cell in checks(path):
        name = re.search(r'exercise\(\s*"([^"]+)"', cell.source)[1]
        assert f"Exercise {name}: not yet." in said, f"{name}: no wrong answer is shown"


@each_lesson
def test_exercises_lead_to_their_solutions(path):
    text = "\n".join(prose(path))
    section = text[text.rindex("## Exercises") : text.rindex("What we keep")]
    targets = [target for _, _, target in links(section)]
    assert f"solutions/{path.name}" in targets, "no link to the solutions"
