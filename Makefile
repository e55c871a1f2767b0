# The series in one word each: `make lab` to read and run it, `make test` to prove it.
# Both work as the first command after a clone; README.md has the same without make.

HERE = .venv/bin/python
PIP = $(HERE) -m pip install --quiet --disable-pip-version-check
EXTRA = $(PIP) -c tools/requirements.txt
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

.PHONY: help venv install lab test check export notebooks train bench web site package \
	fmt mutants lock audit clean

help:
	@echo "make lab        open the series in JupyterLab"
	@echo "make test       prove it: style, export, tests and every notebook"
	@echo "make train      train the finished network on Fashion-MNIST"
	@echo
	@echo "make check      compare modules, pictures and ledger with the notebooks"
	@echo "make export     write them from the notebooks"
	@echo "make notebooks  run every notebook and store what it prints"
	@echo "make fmt        format the code of modules, tests and notebooks"
	@echo "make bench      race it against PyTorch and scikit-learn (installs them)"
	@echo "make mutants    list the small faults in the package that no test finds: hours;"
	@echo "                minutes for one module, make mutants MODULE=losses"
	@echo "make web        look at every page, and walk through JupyterLab, in a browser"
	@echo "make site       build the website into docs/_build/html, and look at it"
	@echo "make package    build the wheel, and train for an epoch with nothing else installed"
	@echo "make lock       pin what requirements.in asks for, in requirements.txt"
	@echo "make audit      ask whether a pinned version has a known vulnerability"
	@echo "make venv       the virtual environment that all of these use, .venv"
	@echo "make clean      remove it, and the caches"

# The pins are compared by content: a checkout makes them newer, and pip would need the
# network to install the same again.
HEALTHY = $(HERE) -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null

venv:
	@$(HEALTHY) && cmp -s requirements.txt .venv/installed.txt || \
		$(MAKE) --no-print-directory install

install:
	@test -n "$(PYTHON)" || { echo "This needs Python 3.11 or newer, and finds only:"; \
		python3 --version; echo "A newer one can be named: make PYTHON=..."; exit 1; }
	@test -d .venv || ! ls -d .venv >/dev/null 2>&1 || \
		{ echo "There is a .venv that is not a folder: move it away."; exit 1; }
	@echo "installing into .venv, which takes a minute or two"
	@$(HEALTHY) || $(PYTHON) -m venv --clear .venv
	$(PIP) -r requirements.txt
	@cp requirements.txt .venv/installed.txt

# It serves the whole project, because the notebooks show images/ and link nbhelpers/.
# And it refuses to run as root, as one does in a container, unless it is told to.
LAB_FLAGS = $(if $(filter 0,$(shell id -u)),--allow-root)

lab: venv
	$(HERE) -m jupyter lab $(LAB_FLAGS) --notebook-dir=. \
		--LabApp.default_url=/lab/tree/notebooks/01_single_pass.ipynb

test: venv
	$(HERE) -m ruff check .
	$(HERE) -m ruff format --check .
	$(HERE) tools/export.py --check
	$(HERE) -m pytest -n 2 --dist loadfile --cov=nbhelpers tests
	$(HERE) -m pytest -n 2 --dist loadfile notebooks

check: venv
	$(HERE) tools/export.py --check

export: venv
	$(HERE) tools/export.py

notebooks: venv
	$(HERE) tools/run_notebooks.py

train: venv
	$(HERE) -m nbhelpers

bench: venv
	$(PIP) -r benchmarks/requirements.txt
	$(HERE) benchmarks/speed.py
	$(HERE) benchmarks/costs.py

# One small fault after another is planted in a copy, and the tests are run against it.
MODULE =
MUTANTS = build/mutants
mutants: export PATH := $(CURDIR)/.venv/bin:$(PATH)
mutants: export PYTEST_ADDOPTS = -o addopts= -q -x --disable-plugin-autoload \
	$(addprefix tests/test_,parts.py gradients.py bad_input.py training.py) tests

mutants: venv
	$(EXTRA) cosmic-ray
	rm -rf $(MUTANTS)
	mkdir -p $(MUTANTS)
	git ls-files | grep -Ev 'tests/test_(export|faults|formulas|notebook|setup|strict)' | \
		tar -c -T - | tar -x -C $(MUTANTS)
	sed '$(if $(MODULE),s|"nbhelpers"|"nbhelpers/$(MODULE).py"|; s/^excluded.*//)' \
		tests/mutants.toml >$(MUTANTS)/mutants.toml
	cd $(MUTANTS) && python -m pytest
	cd $(MUTANTS) && cosmic-ray init mutants.toml session.sqlite && \
		cr-filter-operators session.sqlite mutants.toml && \
		cosmic-ray exec mutants.toml session.sqlite
	cd $(MUTANTS) && cr-report --surviving-only --show-diff session.sqlite

# These two need npm, and Chromium; without that its tests are skipped, which is said.
tests/node_modules: tests/package-lock.json
	npm ci --prefix tests --ignore-scripts --no-audit --no-fund
	@touch $@

web: venv tests/node_modules
	$(EXTRA) playwright
	$(HERE) -m pytest -o addopts= -rs \
		tests/browser/test_pages.py tests/browser/test_walk.py

site: venv tests/node_modules
	rm -rf docs/_build  # pages of source code would keep an old template
	$(EXTRA) furo myst-nb sphinx playwright
	$(HERE) -m sphinx -q -W --keep-going -c docs . docs/_build/html
	$(HERE) -m pytest -o addopts= -rs tests/browser/test_site.py

package: venv
	$(EXTRA) build
	rm -rf dist build/alone
	$(HERE) -m build
	$(PYTHON) -m venv build/alone
	build/alone/bin/python -m pip install --quiet dist/*.whl
	cd build/alone && bin/python -m nbhelpers --data ../../data/mnist --epochs 1

fmt: venv
	$(HERE) -m ruff check --select I --fix .
	$(HERE) -m ruff format .

UPGRADE =
LOCK = $(HERE) -m uv pip compile --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --no-annotate $(UPGRADE)

lock: venv
	$(EXTRA) uv
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) --no-emit-package nbhelpers tools/requirements.in -o tools/requirements.txt

audit: venv
	$(EXTRA) pip-audit
	$(HERE) -m pip_audit --strict --no-deps --disable-pip -r tools/requirements.txt

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build dist nbhelpers.egg-info
	rm -rf tests/node_modules docs/_build
	find nbhelpers nbhelpers/beyond notebooks tests tests/browser tools . -maxdepth 1 -name __pycache__ \
		-exec rm -rf {} +
