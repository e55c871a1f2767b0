"""The tests of the notebooks, seen red: each finds the fault that is planted for it."""

import shutil
from contextlib import nullcontext

import pytest

import test_notebooks as real
import toy_series as toys
from toy_series import cell_with, code, edit, prints, shows


@pytest.fixture
def series(tmp_path):
    """The made-up series, with the files that it links."""
    toys.series(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/sum.png").touch()
    (tmp_path / "images/product.png").touch()
    (tmp_path / "images/power.png").touch()
    return tmp_path / "notebooks"


def marked(decorator):
    """The tests of test_notebooks.py that have this decorator."""
    tests = [test for name, test in vars(real).items() if name.startswith("test_")]
    return [t for t in tests if any(m is decorator.mark for m in marks(t))]


def marks(test):
    return getattr(test, "pytestmark", [])


OF_NOTEBOOKS = marked(real.each_notebook)
ALL = marked(real.each_lesson) + OF_NOTEBOOKS
FAULTS = {}
BEYOND = "beyond/09_ninth.ipynb"


def breaks(test, words="", page="02_second.ipynb"):
    """Mark a function that plants, in this lesson, what a test must find."""

    def register(plant):
        FAULTS[plant.__name__] = plant, test, words, page
        return plant

    return register


@pytest.mark.parametrize("test", ALL)
def test_the_faultless_series_passes(series, test):
    test(series / "01_first.ipynb")
    test(series / "02_second.ipynb")
    test(series / "beyond/09_ninth.ipynb")
    if test in OF_NOTEBOOKS:
        test(series / "solutions/01_first.ipynb")
        test(series / "beyond/solutions/09_ninth.ipynb")


@breaks(real.test_run_once_from_top_to_bottom, "make notebooks")
def not_run(cells):
    cell_with(cells, "print(1 + 2)").execution_count = None


@breaks(real.test_run_once_from_top_to_bottom)
def run_out_of_order(cells):
    cell_with(cells, "print(1 + 2)").execution_count = 99


@breaks(real.test_valid_and_free_of_the_machine)
def metadata_of_an_editor(cells):
    cell_with(cells, "print(1 + 2)").metadata["scrolled"] = True


@breaks(real.test_small_enough, "over 500 kB")
def over_half_a_megabyte(cells):
    cell_with(cells, "#| image").outputs = [shows(image_png="A" * 500_000)]


@breaks(real.test_no_paths_of_a_machine, "/home/ann")
def path_in_an_output(cells):
    cell_with(cells, "print(1 + 2)").outputs = [prints("saved in /home/ann/net.npz\n")]


@breaks(real.test_no_paths_of_a_machine)
def path_in_a_cell(cells):
    cell_with(cells, "print(1 + 2)").source = 'folder = r"C:\\Users\\ann"'


@breaks(real.test_errors_only_where_they_are_the_lesson)
def unexpected_error(cells):
    error = toys.new_output("error", ename="ValueError", evalue="no", traceback=[])
    cell_with(cells, "print(1 + 2)").outputs = [error]


@breaks(real.test_errors_only_where_they_are_the_lesson)
def expected_error_that_does_not_come(cells):
    cell_with(cells, "print(1 + 2)").metadata["tags"] = ["raises-exception"]


@breaks(real.test_no_warnings)
def warning(cells):
    stderr = toys.new_output("stream", name="stderr", text="RuntimeWarning")
    cell_with(cells, "print(1 + 2)").outputs = [stderr]


@breaks(real.test_the_same_text_on_every_run)
def address_of_an_object(cells):
    cell_with(cells, "print(1 + 2)").outputs = [prints("<Line at 0x7f0c>\n")]


@breaks(real.test_the_same_text_on_every_run, "nbval ignores")
def trailing_semicolon(cells):
    cell_with(cells, "print(1 + 2)").source += ";"


@breaks(real.test_outputs_short_enough_to_read)
def long_output(cells):
    cell_with(cells, "print(1 + 2)").outputs = [prints("3\n" * 10_000)]


@breaks(real.test_only_what_differs_is_not_compared, "has no time")
def not_compared_without_a_reason(cells):
    cell_with(cells, "print(1 + 2)").metadata["tags"] = toys.TIMES


@breaks(real.test_only_what_differs_is_not_compared, "what expect prints differs")
def compared_in_spite_of_expect(cells):
    cell_with(cells, "print(1 + 2)").source = 'expect("sum", 1 + 2, 2, 4)'


@breaks(real.test_only_what_differs_is_not_compared, "5 times not compared")
def too_many_not_compared(cells):
    cells += [code("print(seconds)", tags=toys.TIMES) for _ in range(4)]


@breaks(real.test_only_what_differs_is_not_compared, "nbval-skip")
def another_tag(cells):
    cell_with(cells, "print(1 + 2)").metadata["tags"] = ["nbval-skip"]


@breaks(real.test_only_what_differs_is_not_compared, "a tag says this")
def comment_to_nbval(cells):
    cell_with(cells, "print(1 + 2)").source += "\n# NBVAL_IGNORE_OUTPUT"


@breaks(real.test_plain_python, "a magic")
def magic(cells):
    cell_with(cells, "print(1 + 2)").source = "%timeit 1 + 2"


@breaks(real.test_plain_python, "empty")
def empty_cell(cells):
    cell_with(cells, "print(1 + 2)").source = ""


@breaks(real.test_code_short_enough_to_read)
def thirty_one_lines(cells):
    cell_with(cells, "print(1 + 2)").source = "\n".join(["x = 1"] * 31)


@breaks(real.test_code_short_enough_to_read, "more than 15 lines")
def too_many_long_cells(cells):
    for words in ("print(1 + 2)", "def twice", "def thrice"):
        cell_with(cells, words).source = "\n".join(["x = 1"] * 16)


@breaks(real.test_prose_before_every_code_cell)
def two_code_cells_in_a_row(cells):
    cells.insert(cells.index(cell_with(cells, "print(1 + 2)")), code("x = 1"))


@breaks(real.test_prose_before_every_code_cell)
def only_a_heading_before_the_code(cells):
    cell_with(cells, "The mean of two numbers").source = "## A heading is no prose"


@breaks(real.test_imports_only_what_earlier_notebooks_made, "imports second")
def own_module_before_its_time(cells):
    cell_with(cells, "print(1 + 2)").source = "from nbhelpers.second import twice"


@breaks(real.test_imports_only_what_earlier_notebooks_made, "imports beyond.ninth")
def module_from_beyond(cells):
    cell_with(cells, "print(1 + 2)").source = "import nbhelpers.beyond.ninth"


@breaks(
    real.test_imports_only_what_earlier_notebooks_made, "imports beyond.ninth", BEYOND
)
def own_module_beyond(cells):
    cell_with(cells, "print(1 + 2)").source = "from nbhelpers.beyond import ninth"


@breaks(real.test_imports_only_what_earlier_notebooks_made, "imports checkpoint")
def module_from_above(cells):
    cell_with(cells, "print(1 + 2)").source = "from nbhelpers import checkpoint"


@breaks(real.test_links_and_pictures_exist, "03_third.ipynb does not exist")
def dead_link(cells):
    cell_with(cells, "The mean of two").source += " See [there](03_third.ipynb)."


@breaks(real.test_links_and_pictures_exist, "a picture from elsewhere")
def remote_picture(cells):
    alt = "A picture that may be gone tomorrow is shown."
    cell_with(cells, "The mean of two").source += f" ![{alt}](https://a.org/b.png)"


@breaks(real.test_links_and_pictures_exist, "is no sentence")
def picture_without_words(cells):
    cell_with(cells, "The mean of two").source += " ![sum](../images/sum.png)"


@breaks(real.test_links_and_pictures_exist, "no such anchor")
def link_within_the_page(cells):
    cell_with(cells, "The mean of two").source += " [up](#sums)"


@breaks(real.test_every_drawn_picture_has_alt_text, "is no sentence")
def output_without_alt_text(cells):
    del cell_with(cells, "#| image").metadata["alt"]


@breaks(real.test_every_drawn_picture_has_alt_text, "image/svg")
def drawing_of_another_kind(cells):
    svg = toys.new_output("display_data", {"image/svg+xml": "<svg/>"})
    cell_with(cells, "#| image").outputs = [svg]


@breaks(
    real.test_every_drawn_picture_is_sharp_on_todays_screens,
    "half is [2, 1]",
)
def picture_with_a_pixel_for_each_point(cells):
    del cell_with(cells, "#| image").outputs[0].metadata["image/png"]


@pytest.mark.parametrize(
    "text",
    [
        '<img src="../images/sum.png">',
        "> [!NOTE]\n> Mind this.",
        "A claim.[^1]",
        "```mermaid\ngraph\n```",
    ],
)
def test_markdown_that_github_does_not_render(series, text):
    change = append(text)
    assert_red(series, change, real.test_only_markdown_that_github_renders, "")


@pytest.mark.parametrize(
    "text",
    [
        "\\begin{align}\nx = 1\n\\end{align}",
        "$$\nx = 1",
        "$\\operatorname{ReLU}(x)$",
        "$\\newcommand{\\x}{y}$",
        "$$\nx<br>y\n$$",
    ],
)
def test_formulas_that_github_does_not_render(series, text):
    change = append(text)
    assert_red(series, change, real.test_only_formulas_that_github_renders, "")


def append(text):
    def change(cells):
        cell_with(cells, "The mean of two").source += f"\n\n{text}"

    return change


@breaks(real.test_previous_contents_next)
def no_way_back(cells):
    cells[0].source = cells[0].source.replace("01_first.ipynb", "README.md")


@breaks(real.test_previous_contents_next, "must lead to ['../README.md']", BEYOND)
def contents_of_another_folder(cells):
    cells[0].source = cells[0].source.replace("](../README.md)", "](README.md)")


@breaks(real.test_previous_contents_next, "the last cell must lead to")
def no_way_on(cells):
    cells[-1].source = "The end."


@breaks(real.test_the_frame_of_a_lesson)
def another_number(cells):
    cells[0].source = cells[0].source.replace("# 02", "# 03")


@breaks(real.test_the_frame_of_a_lesson, "headings that must be there")
def no_recap(cells):
    cell = cell_with(cells, "## Recap")
    cell.source = cell.source.replace("Recap", "Summary")


@breaks(real.test_the_frame_of_a_lesson, "the order must be")
def exercises_at_the_end(cells):
    cell_with(cells, "## Exercises").source = "More."
    cells[-1].source = "## Exercises"


@breaks(real.test_the_list_of_sections, "On this page should say")
def section_renamed(cells):
    cell = cell_with(cells, "## 1. What is a mean?")
    cell.source = cell.source.replace("a mean?", "the mean?")


@breaks(real.test_the_list_of_sections)
def section_with_the_number_of_another(cells):
    cell = cell_with(cells, "## 2. What does")
    cell.source = cell.source.replace("## 2.", "## 1.")


@breaks(real.test_the_ledger_so_far, "out of date")
def old_ledger(cells):
    table = cell_with(cells, "ledger(").outputs[0].data
    table["text/markdown"] = table["text/markdown"].replace("0.1", "0.3")


@breaks(real.test_the_ledger_so_far, "a row for each notebook")
def short_ledger(cells):
    data = {"text/markdown": toys.HEADER + toys.ROWS[1]}
    cell_with(cells, "ledger(").outputs = [toys.new_output("display_data", data)]


@breaks(real.test_the_ledger_so_far, "a row for each notebook", BEYOND)
def ledger_of_the_eight(cells):
    table = cell_with(cells, "ledger(").outputs[0].data
    table["text/markdown"] = toys.HEADER + "".join(toys.ROWS) + toys.BEYOND


@breaks(real.test_exercises_are_solved, "not checked in the solutions", BEYOND)
def check_that_the_solutions_lack_beyond(cells):
    cell_with(cells, 'exercise("1"').source += "  # and more"


@breaks(real.test_exercises_wait_to_be_attempted)
def answer_given_away(cells):
    check = cell_with(cells, 'exercise("1"')
    check.outputs = [prints("Exercise 1: right.\n")]


@breaks(real.test_exercises_wait_to_be_attempted)
def two_exercises(cells):
    cells.remove(cell_with(cells, 'exercise("3"'))


@breaks(real.test_exercises_are_solved, "not checked in the solutions")
def check_that_the_solutions_lack(cells):
    cell_with(cells, 'exercise("1"').source += "  # and more"


@breaks(real.test_exercises_lead_to_their_solutions, "no link")
def no_way_to_the_solutions(cells):
    cell = cell_with(cells, "## Exercises")
    cell.source = cell.source.replace("solutions/02_second.ipynb", "README.md")


@breaks(real.test_exercises_refuse_a_wrong_answer, "4: no wrong answer")
def check_without_a_wrong_answer(cells):
    cell = cell_with(cells, 'exercise("1"')
    cell.source = cell.source.replace('"1"', '"4"')


def assert_red(series, plant, test, words, page="02_second.ipynb"):
    path = series / page
    edit(path, plant)
    with pytest.raises((AssertionError, pytest.fail.Exception)) as red:
        test(path)
    assert words in str(red.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_it_goes_red(series, fault):
    assert_red(series, *FAULTS[fault])


@pytest.mark.parametrize("needed", [True, False])
def test_a_page_beyond_imports_another_that_it_needs(series, needed):
    def change(cells):
        cell_with(cells, "print(1 + 2)").source = "import nbhelpers.beyond.ninth"
        if needed:
            way = "[09](09_ninth.ipynb)"
            cells[0].source = cells[0].source.replace("no more", way)

    path = shutil.copy(series / BEYOND, series / "beyond/10_tenth.ipynb")
    edit(path, change)
    with nullcontext() if needed else pytest.raises(AssertionError, match="ninth"):
        real.test_imports_only_what_earlier_notebooks_made(path)


def test_a_wrong_solution_is_found(series):
    def change(cells):
        check = cell_with(cells, 'exercise("1", exercise_1')
        check.outputs = [prints("Exercise 1: not yet.\n")]

    edit(series / "solutions/02_second.ipynb", change)
    with pytest.raises(AssertionError):
        real.test_exercises_are_solved(series / "02_second.ipynb")


def test_every_test_has_been_seen_red():
    by_hand = {
        real.test_only_markdown_that_github_renders,
        real.test_only_formulas_that_github_renders,
    }
    assert set(ALL) == {test for _, test, *_ in FAULTS.values()} | by_hand
