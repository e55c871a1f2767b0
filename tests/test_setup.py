"""Setting up: when make installs, and when not; and that every version is pinned."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nbhelpers import __version__

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

# Stands in for Python: its .venv has a copy of itself, and it notes what pip is told.
STAND_IN = """#!/bin/sh
case "$*" in
"-m venv --clear"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip"*) echo "$*" >>installed ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile and something that is called Python."""
    if os.name == "nt" or not shutil.which("make"):
        pytest.skip("make is not used here")
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "stand-in").write_text(STAND_IN)
    (folder / "stand-in").chmod(0o755)
    return folder


def make(project, python="./stand-in"):
    """Run `make venv`; its status, how often it has installed by now, its words."""
    done = subprocess.run(
        ["make", "venv", f"PYTHON={python}"],
        cwd=project,
        env={"PATH": os.environ["PATH"]},  # no HOME, nothing of a make around it
        capture_output=True,
        text=True,
    )
    installed = project / "installed"
    times = len(installed.read_text().splitlines()) if installed.exists() else 0
    return done.returncode, times, done.stdout


def test_what_is_installed_is_not_installed_again(project):
    assert make(project)[:2] == (0, 1)
    for name in ("requirements.txt", "pyproject.toml"):
        (project / name).touch()
    assert make(project)[:2] == (0, 1)
    with open(project / "requirements.txt", "a") as file:
        file.write("more==1.0\n")
    assert make(project)[:2] == (0, 2)


def test_an_environment_without_its_python_is_made_anew(project):
    make(project)
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert make(project)[:2] == (0, 2)


def test_what_is_no_environment_is_left_alone(project):
    (project / ".venv").write_text("the name of another environment\n")
    status, times, said = make(project)
    assert (status, times) == (2, 0)
    assert "There is a .venv that is not a folder" in said
    assert (project / ".venv").is_file()


def test_without_a_new_enough_python_it_says_so(project):
    status, times, said = make(project, python="")
    assert (status, times) == (2, 0)
    assert said.startswith("This needs Python 3.11 or newer")


# ---- released


def test_the_version_is_the_same_wherever_it_is_said():
    released = __version__.partition(".dev")[0]
    said = {"CITATION.cff": r"^version: (\S+)$", "CHANGELOG.md": r"^## (\S+), "}
    for name, line in said.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(line, text, re.MULTILINE)[1] == released, name


# ---- pinned


def pins(folder):
    """The version of each package that is installed, by name."""
    found = {}
    for line in (ROOT / folder / "requirements.txt").read_text("utf-8").splitlines():
        pin = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; .+)?", line)
        assert pin or line == "-e ." or line[0] == "#", f"not pinned: {line}"
        if pin:
            found[pin[1]] = pin[2]
    return found


def test_the_tools_run_with_the_versions_of_the_notebooks():
    differ = pins(".").items() - pins("tools").items()
    assert not differ, f"{differ}: run `make lock`"


@pytest.mark.parametrize("folder", [".", "tools"])
def test_what_is_asked_for_is_pinned(folder):
    text = (ROOT / folder / "requirements.in").read_text("utf-8")
    left = set(re.findall(r"^\w[\w-]*", text, re.MULTILINE)) - pins(folder).keys()
    assert not left, f"{left}: run `make lock`"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), (
                line
            )
