# Everything runs from here: `make up` for a whole system, `make test` for the whole suite.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# Files of tests that run at the same time, each process with servers of its own.
JOBS ?= 2

.DEFAULT_GOAL := help

up: $(VENV)/.run ## Start Tocsin with everything it needs (Ctrl-C stops it)
	@$(BIN)/tocsin up

test: $(VENV)/.dev ## Run the whole test suite against real servers
	@deploy/test-needs.sh
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations=20

check: $(VENV)/.dev ## Lint, check types and the direction of dependencies
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports && $(BIN)/mypy .

fmt: $(VENV)/.dev ## Format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

chaos: $(VENV)/.dev ## Kill processes and break connections, at full length
	@$(BIN)/python -m pytest tests/acceptance -m "" --chaos=full -s

bench: $(VENV)/.dev ## Measure dispatch against its references, into bench/RESULTS.md
	@$(BIN)/python -m bench

vendors: $(VENV)/.run ## Serve all fake vendors, for developing adapters
	@$(BIN)/python -m fakes.vendors

lock: $(VENV)/.dev ## Lock the newest versions of all dependencies, with hashes
	@deploy/lock.sh

hooks: $(VENV)/.dev ## Check each commit before it is made
	@$(BIN)/pre-commit install

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' Makefile

$(VENV)/.run: requirements/run.txt pyproject.toml
	@deploy/bootstrap.sh run $(PYTHON)

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	@deploy/bootstrap.sh dev $(PYTHON)

.PHONY: up test check fmt chaos bench vendors lock hooks help
