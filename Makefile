# Everything from a clean clone: `make demo`, `make test`. Needs Python 3.11 or later and make.
#
# On Linux, PyPI's torch brings CUDA (gigabytes). For the CPU build from PyTorch's own index:
#   make demo PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV ?= .venv
PIP_FLAGS ?=
PYTEST_FLAGS ?=
MUTATION ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt
DEMO := demo-output
SCANS := examples/scans
WEB := web-output
WEB_SCANS ?= $(SCANS)
WEB_RATINGS ?= 22

.PHONY: help demo test coverage lint types docs docs-commands notebooks ci benchmark mutation web-long clean \
	release-quick release-check

help:
	@echo "make demo       super-resolve a bundled OCT scan: picture and numbers in $(DEMO)/"
	@echo "make test       the whole test suite"
	@echo "make coverage   the same, and which lines of the package it reached: at least 90 %"
	@echo "make lint       ruff and the import floors"
	@echo "make types      mypy, strict"
	@echo "make docs       the documentation as pages, in site/; what is broken is an error"
	@echo "make docs-commands  run the commands that the pages show: minutes"
	@echo "make notebooks  run the notebooks, each from a fresh kernel: minutes"
	@echo "make ci         lint, types, docs, test"
	@echo "make release-quick  build wheel and sdist, check metadata and contents"
	@echo "make release-check  and install the wheel, base and each extra alone: many minutes"
	@echo "make benchmark  start-up times, agreement of downsampling, speed of training"
	@echo "make mutation   what the tests do not notice when the code is changed: MUTATION=\"losses tiles\""
	@echo "make web-long   the rating study for minutes: 50 clients and 20 kills, 12 raters in Chromium"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) (the first time this fetches PyTorch)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) (the first time this fetches PyTorch)"
	$(INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.base

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV)"
	$(INSTALL) -e ".[docs]"
	@touch $@ $(VENV)/.base

$(VENV)/.release: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV)"
	$(INSTALL) -e ".[release]"
	@touch $@ $(VENV)/.base

demo: $(VENV)/.base
	$(BIN)/srgan evaluate --data $(SCANS) --model oct-srresnet-x4 --model oct-srgan-x4 --panels 3 --out $(DEMO)
	@echo
	@echo "HR, bicubic and ours side by side: $(DEMO)/panels/"

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

coverage: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(PYTEST_FLAGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html; with the search: python -m http.server --directory site"

docs-commands: $(VENV)/.dev
	$(BIN)/python tools/check_docs.py commands

notebooks: $(VENV)/.dev
	$(BIN)/python tools/run_notebooks.py

release-quick: $(VENV)/.release
	$(BIN)/python tools/release_check.py --quick

release-check: $(VENV)/.dev $(VENV)/.release
	$(BIN)/python tools/release_check.py --keep dist --pip-flags="$(PIP_FLAGS)"

ci: lint types docs test

benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/degradation_agreement.py
	$(BIN)/python benchmarks/train_step.py

$(VENV)/.mutation: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) (the first time this fetches PyTorch)"
	$(INSTALL) -e ".[dev,mutation]"
	@touch $@ $(VENV)/.base $(VENV)/.dev

mutation: $(VENV)/.mutation
	$(BIN)/python tools/mutation.py $(MUTATION)

# WEB_SCANS=FOLDER WEB_RATINGS=100 for more than the bundled scans, which give 22 images to rate.
web-long: $(VENV)/.dev
	rm -rf $(WEB)
	mkdir $(WEB)
	for study in load raters; do $(BIN)/srgan mos prepare $(WEB_SCANS) --model bilinear --model bicubic \
		--model lanczos --model oct-srgan-x4 --calibration 0 --out $(WEB)/$$study || exit 1; done
	$(BIN)/python tools/study_load.py $(WEB)/load --clients 50 --ratings $(WEB_RATINGS) --kills 20
	$(BIN)/python tools/study_raters.py $(WEB)/raters --raters 12 --out $(WEB)/report

clean:
	rm -rf $(VENV) $(DEMO) site $(WEB) .pytest_cache .mypy_cache .ruff_cache
