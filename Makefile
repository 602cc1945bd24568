# make demo    set up once, run the demo study, print where its report is
# make test    set up once, add what tests need, run the tests
# make test-slow   the tests that take long
# make lint    style, format, types and import layers
# make check   lint and test
# make docs    write what the documentation takes from the program
# make site    build the documentation site into site/
#
# PIP_ARGS chooses another package source, for example the small CPU build of torch:
#   make demo PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
# PYTHON names the interpreter to build on, OUT the folder for results.

PYTHON ?=
PIP_ARGS ?=
PYTEST_ARGS ?= -n auto --maxprocesses 4
OUT ?= runs

venv := .venv
bin := $(venv)/bin
installed := $(venv)/installed
with_dev := $(venv)/installed-dev
pip := $(bin)/python -m pip install --disable-pip-version-check --no-input --no-compile $(PIP_ARGS) -c constraints.txt
candidates := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3 python)
suits := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint check docs site setup format clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: $(installed)

demo: $(installed)
	@$(bin)/mlplab demo --out "$(OUT)"

test: $(with_dev)
	@$(bin)/python -m pytest -m "not slow" $(PYTEST_ARGS)

test-slow: $(with_dev)
	@$(bin)/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(with_dev)
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/mypy
	@$(bin)/lint-imports

format: $(with_dev)
	@$(bin)/ruff check --fix
	@$(bin)/ruff format

docs: $(installed)
	@$(bin)/python docs/generate.py

site: $(with_dev)
	@$(bin)/zensical build --strict
	@echo "The site: site/index.html"

check: lint test

clean:
	rm -rf $(venv) src/mlplab/networks/built site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamp is written last: an installation that was broken off is done again.
$(installed): pyproject.toml constraints.txt hatch_build.py $(wildcard cpp/*)
	@python=""; for candidate in $(candidates); do \
	  if "$$candidate" -c '$(suits)' >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "mlplab needs Python 3.11 or newer with its venv module, and none of these is one: $(candidates) (Debian and Ubuntu: install python3-venv; or name one with make PYTHON=...)." >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(venv) with $$python; this happens once and downloads the dependencies." >&2; \
	"$$python" -m venv --clear $(venv)
	@# Python compiles what it imports; most of what is installed never is.
	@$(pip) -e . >&2
	@touch $@

$(with_dev): $(installed)
	@echo "Adding what tests and checks need." >&2
	@$(pip) -e '.[dev]' >&2
	@touch $@
