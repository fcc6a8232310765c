# Trade Monitor: `make run` is the whole thing on the bundled figures; `make help` lists the rest.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
.DEFAULT_GOAL := help
.PHONY: run test check chaos serve bench bench-quality pictures lock clean help

run: .venv/run.stamp  ## take in the bundled releases, judge each, deliver to var/outbox and the terminal
	@$(BIN)/monitor run

serve: .venv/run.stamp  ## pull when figures are due, judge and deliver, until stopped
	@$(BIN)/monitor serve

test: .venv/test.stamp  ## run every test; what this machine lacks is named and skipped
	@$(BIN)/python -m pytest -n 2 $(TESTS)

check: .venv/test.stamp  ## format, lint, types, imports, the shipped configuration and rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/monitor check
	$(BIN)/monitor test

chaos: .venv/test.stamp  ## kill hundreds of processes on each database, and count what was lost
	@MONITOR_CHAOS_KILLS=$${MONITOR_CHAOS_KILLS:-300} $(BIN)/python -m pytest -q -s tests/e2e/test_chaos.py

bench: .venv/test.stamp  ## measure speed beside peers, in one run
	@$(BIN)/python -m benchmarks

bench-quality: .venv/test.stamp  ## measure how right the judgements are beside peers, in half an hour
	@$(BIN)/python -m benchmarks.quality

pictures: .venv/test.stamp  ## make docs/pictures again
	@$(BIN)/python -m docs.pictures

# The test list first; the run list takes its versions from it, so that both name the same ones.
UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q pyproject.toml
lock:  ## compile requirements/ anew from pyproject.toml, and the peers' lists
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(UV_COMPILE) --group test --group check --group build -o requirements/test.txt
	$(UV_COMPILE) --group build -c requirements/test.txt -o requirements/run.txt
	for names in benchmarks/peers/*.in; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q "$$names" -o "$${names%.in}.txt"; \
	done

clean:  ## remove the environment and what tools left behind; var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find monitor tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} +

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

# A stamp is newer than what was installed, so that a second call costs nothing.
.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Trade Monitor needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." \
	       "Name another one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make environments; install its venv package (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/%.stamp: requirements/%.txt pyproject.toml .venv/made
	@echo "installing requirements/$*.txt into .venv (once)" >&2
	@$(PIP) install --require-hashes -r requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
