# Everything a developer does here, as one word each; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := vantage6-common vantage6-server vantage6-node vantage6-client vantage6-algorithm-tools
SOURCES := $(PACKAGES:%=%/src)
ALGORITHMS := $(patsubst %/pyproject.toml,%,$(wildcard examples/algorithms/*/pyproject.toml))
MANIFESTS := $(PACKAGES:%=%/pyproject.toml) $(ALGORITHMS:%=%/pyproject.toml) requirements/constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt
PYTEST := $(BIN)/python -m pytest -q --timeout=300
UNIT_TESTS := $(wildcard $(PACKAGES:%=%/tests)) $(wildcard examples/algorithms/*/tests)
REPOSITORY_TESTS := $(wildcard tests/contract tests/integration tests/docs tests/support)
# Everything that may hold a test with a given marker.
ALL_TESTS := $(UNIT_TESTS) $(wildcard tests)

.PHONY: help setup services services-stop demo test lint format typecheck unit docker e2e interop chaos bench docs images dist

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.dev ## make .venv with all five packages and the developers' tools
	@:

services: ## start what Docker tests need and this machine lacks (Debian, root)
	@scripts/services.sh start

services-stop: ## stop what `make services` started
	@scripts/services.sh stop

demo: $(VENV)/.runtime ## server, three nodes, two federated analyses [RUNNER=docker|process] [STAY=1]
	@$(BIN)/python examples/demo/demo.py $(if $(RUNNER),--runner $(RUNNER)) $(if $(STAY),--stay)

test: setup services lint typecheck unit docker e2e interop ## everything, on a fresh machine too

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## let ruff correct what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: setup ## mypy, strict, over the five source trees
	$(BIN)/mypy $(SOURCES)

unit: setup ## tests that need no Docker and no released packages
	$(PYTEST) $(UNIT_TESTS) $(REPOSITORY_TESTS) -m "not docker and not interop"

docker: setup services images ## tests on the Docker engine
	$(PYTEST) $(UNIT_TESTS) $(REPOSITORY_TESTS) -m "docker and not interop"

e2e: setup services images ## whole networks: demo, restarts, both runners
	$(PYTEST) tests/e2e

interop: setup services images ## with the released server, node, client and tools
	$(PYTEST) $(ALL_TESTS) -m interop

chaos: setup services images ## kill, pause and disconnect; every run must end once
	$(PYTEST) tests/chaos

bench: setup services images ## measure against bare containers; results go to tests/bench/results
	$(BIN)/python tests/bench/run.py

docs: setup ## write the generated reference pages and check every link
	$(BIN)/python scripts/docs.py

images: setup services ## build the base image and the example algorithms, push to the local registry
	@scripts/images.sh

dist: setup ## wheels and source archives of the five packages, in dist/
	@rm -rf dist
	@for package in $(PACKAGES); do $(BIN)/python -m build --no-isolation --outdir dist $$package >/dev/null; done
	@ls -1 dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	    { echo "make: '$(PYTHON)' is not Python 3.10 or newer; name one with PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	    { echo "make: '$(PYTHON) -m venv' failed; install the venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }

$(VENV)/.runtime: $(MANIFESTS) requirements/demo.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time takes about a minute."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --requirement requirements/demo.txt $(addprefix --editable ./,$(PACKAGES) $(ALGORITHMS))
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@$(INSTALL) --requirement requirements/dev.txt
	@touch $@
