# Every target sets up what it needs in .venv; a second run finds it done.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := embedded,async,demo,test

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## take the guided tour on real data
	@$(BIN)/argon demo

# Tests wait for the server half of their time, so two cores keep three workers busy.
test: lint types $(READY) ## run everything that must pass: lint, types, tests
	$(BIN)/pytest -n 3 $(ARGS)

lint: $(READY) ## check style, format, and that what is generated is current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/async_to_sync.py --check

types: $(READY) ## check types
	$(BIN)/mypy

format: $(READY) ## mend style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/async_to_sync.py

bench: $(READY) ## measure against plain MongoDB; ARGS=--json for machines
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(READY) ## run the long tests, under load and with faults
	$(BIN)/pytest -m soak --timeout 0 $(ARGS)

picture: $(READY) ## run the README's terminal session and draw it
	@$(BIN)/python docs/picture.py

clean: ## remove what these targets made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(READY) ## set up .venv only

$(READY): pyproject.toml setup.py
	@python=$$(.ci/find-python) && echo "Setting up $(VENV) with $$($$python --version) ..." && $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@

.PHONY: help demo test lint types format bench soak picture clean install
