# Holdfast. `make run` and `make test` are all that is needed; both set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ORACLES := .venv-oracles
export HOLDFAST_HOST ?= 127.0.0.1
export HOLDFAST_PORT ?= 5000
ARGS ?=

.PHONY: help setup oracles run test test-slow lint types format lock bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed $(VENV)/.browser  ## make the environment, and find or install a browser

$(VENV)/.installed: requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.browser: $(VENV)/.installed scripts/browser.sh
	@sh scripts/browser.sh $(BIN)/python && touch $@

$(ORACLES)/.installed: requirements/oracles.lock scripts/oracles.sh scripts/replaywebpage.sh
	@PYTHON=$(PYTHON) sh scripts/oracles.sh $(ORACLES) && touch $@

$(ORACLES)/.firefox: scripts/firefox.sh $(ORACLES)/.installed
	@sh scripts/firefox.sh && touch $@

$(ORACLES)/.screen: scripts/screen.sh $(ORACLES)/.installed
	@sh scripts/screen.sh && touch $@

oracles: $(ORACLES)/.installed $(ORACLES)/.firefox $(ORACLES)/.screen  ## make the environment of other people's readers, for tests and benchmarks

run: setup  ## open the demo; prints a sign-in link
	@$(BIN)/holdfast run-demo

test: setup oracles lint types  ## run every test (ARGS= goes to pytest)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow" $(ARGS)

test-slow: setup oracles  ## fault and load campaigns (HOLDFAST_BOUNDED=yes makes them short)
	$(BIN)/python -m pytest -m slow --timeout $(if $(HOLDFAST_BOUNDED),900,9000) $(ARGS)

lint: $(VENV)/.installed  ## check style
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

types: $(VENV)/.installed  ## check types
	$(BIN)/mypy

format: $(VENV)/.installed  ## put the style right
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

lock: $(VENV)/.installed  ## make the lock files anew
	bash scripts/lock.sh

bench: setup oracles  ## run the benchmarks; each prints one JSON line
	@for one in benchmarks/*.py; do $(BIN)/python $$one; done

clean:  ## take the environment away; archive homes stay
	rm -rf $(VENV) $(ORACLES) .mypy_cache .ruff_cache .pytest_cache
