# Every target that needs the tools makes .venv from the lock by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
INSTALLED := $(VENV)/installed-lock
READY := $(VENV)/installed-project
# One more than there are cores: journeys wait for one another's terminals much of their time.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
export SOAK_SECONDS ?= 120
export SOAK_KILLS ?= 1000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help drill test lint bench soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

drill: $(READY) ## run a whole exchange between two stations on this machine
	@$(BIN)/hotline drill $(ARGS)

test: $(READY) ## run the tests (without the soak); ARGS=... goes to pytest
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

lint: $(READY) ## check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict hotline

bench: $(READY) ## run every benchmark in bench/
	@for bench in $(sort $(wildcard bench/bench_*.py)); do \
	    echo "== $$bench"; $(BIN)/python "$$bench" || exit 1; \
	done

soak: $(READY) ## run the long tests: SOAK_SECONDS (120) each, SOAK_KILLS (1000) kills
	$(BIN)/python -m pytest -m soak -s --timeout $$((SOAK_SECONDS * 2 + 300)) -q $(ARGS)

# The header names this command and nothing of the machine it ran on.
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" pip-compile --quiet --generate-hashes \
    --no-config --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --strip-extras --allow-unsafe

lock: ## renew the locks (needs pip-compile on PATH, under Python 3.11)
	@command -v pip-compile >/dev/null || { \
	    echo "make lock needs pip-compile on PATH: install pip-tools first." >&2; exit 1; }
	$(COMPILE) --upgrade -o requirements/runtime.txt pyproject.toml
	$(COMPILE) --upgrade -c requirements/runtime.txt -o $(LOCK) pyproject.toml requirements/dev.in

clean: ## remove .venv, caches and build products
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf htmlcov .coverage snapshot_report.html
	find hotline tests bench -name __pycache__ -type d -exec rm -rf {} + 2>/dev/null || true

$(INSTALLED): $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "hotline needs Python 3.11 or newer, and '$(PYTHON)' is older or missing:" \
	        "name another one with make PYTHON=python3.11." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make virtual environments: install its venv module" \
	        "(on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "making $(VENV) from $(LOCK), once; this takes a minute"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r $(LOCK)
	@touch $@

$(READY): $(INSTALLED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
