# What there is to do: `make help`. Everything happens in .venv, which is made when it is missing, older than
# pyproject.toml, or no longer sound (the clone was moved, or its Python is gone).

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FITS := import ensurepip, venv; $(NEW_ENOUGH)

# The Python that the environment is made with; another one: make demo PYTHON=/path/to/python3.13
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$python -c '$(FITS)' 2>/dev/null && echo $$python && break; done)

# Scripts in an environment hold its absolute path, so one that was moved is of no use.
SOUND := $(shell $(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null \
	&& head -n 2 $(BIN)/pip 2>/dev/null | grep -qF "$(CURDIR)/$(BIN)/" && echo yes)
ENVIRONMENT := $(if $(SOUND),,environment)

.DEFAULT_GOAL := help
.PHONY: help demo test validate figures notebooks clean environment

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)$$/make \1\t\2/p' Makefile | expand -t 20

demo: $(VENV)/installed ## install what is needed and run the experiment `demo`: report page, summary, figures and tables in results/
	$(BIN)/alliance sweep demo

test: $(VENV)/installed-test ## format, lint, types and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

validate: $(VENV)/installed-test ## measure what must hold of the model, and write the tables of docs/validation.md and docs/benefits.md
	$(BIN)/python -m validation.patterns --write docs/validation.md
	$(BIN)/python -m validation.benefits --write docs/benefits.md

figures: $(VENV)/installed ## draw the figures and the summary of the newest result again
	@newest=$$(ls -t results/*/*/tables/runs.parquet 2>/dev/null | head -n 1); \
	if [ -z "$$newest" ]; then echo "there is no result yet: run \`make demo\` first" >&2; exit 1; fi; \
	$(BIN)/alliance report "$${newest%/tables/runs.parquet}"

notebooks: $(VENV)/installed-test ## make the notebooks for Jupyter from their text
	$(BIN)/jupytext --to ipynb notebooks/*.py

clean: ## remove the environment and everything that tools have left, but no result
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find sim tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml $(ENVIRONMENT)
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-test: pyproject.toml $(ENVIRONMENT)
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/installed

environment:
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(FITS)'; then \
		echo "Python 3.11 or newer, with its module venv, is needed and was not found." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3 python3-venv; else https://www.python.org/downloads/)," >&2; \
		echo "or say where it is: make PYTHON=/path/to/python3.13 …" >&2; \
		exit 1; \
	fi
	rm -rf $(VENV)
	"$(PYTHON)" -m venv $(VENV)
