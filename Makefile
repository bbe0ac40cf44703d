# Wuxin's commands; `make` alone lists them. The two a newcomer needs: make demo, make test.
PYTHON    ?= python3
INSTALLER ?= uv
UPGRADE   ?=

BIN     := .venv/bin
INSTALL := requirements/packages.sh $(INSTALLER) install
PINNED  := --require-hashes --only-binary :all:
COMPILE := requirements/packages.sh uv compile --quiet --universal --fork-strategy fewest \
           --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(UPGRADE)
SERVERS := mosquitto postgresql chromium fonts-noto-cjk libatomic1
CODE    := src tests benchmarks

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test lint format bench requirements servers clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo "  with INSTALLER=pip instead of uv, PYTHON=/path/to/python3.11 instead of python3"

setup: $(BIN)/wuxin ## make .venv with everything Wuxin needs; leaves .venv/bin/wuxin

demo: setup ## set up, replay real recordings, serve the screens
	@$(BIN)/wuxin demo

test: servers lint ## run every check, then every test
	$(BIN)/pytest -n 2 --dist loadfile --cov=wuxin

lint: setup .venv/.dev ## run the checks that need no test run
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate src

format: setup .venv/.dev ## put the code into its form
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: setup .venv/.dev ## run the benchmarks
	@for name in $$($(BIN)/wuxin bench | cut -d' ' -f1); do \
	  echo "== $$name"; $(BIN)/wuxin bench $$name || exit 1; \
	done

requirements: .venv/.python ## recompile the pinned lists (UPGRADE=--upgrade for newer releases)
	@for name in uv build base dev; do \
	  $(COMPILE) requirements/$$name.in -o requirements/$$name.txt >/dev/null || exit 1; \
	done
	@$(COMPILE) -c requirements/base.txt requirements/joint.in -o requirements/joint.txt >/dev/null

servers: # what the tests marked `server` start
	@requirements/debian.sh $(SERVERS)

clean: ## remove all that these commands made
	rm -rf .venv build dist .coverage .*_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# ── the virtual environment, one stamp per step ──────────────────────────────────────────────

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Wuxin needs Python 3.11 or newer; say where: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || requirements/debian.sh python3-venv >/dev/null
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Wuxin needs Python's venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.base: requirements/build.txt requirements/base.txt | .venv/.python
	@$(INSTALL) $(PINNED) -r requirements/build.txt -r requirements/base.txt
	@$(BIN)/python -c 'import lightgbm' 2>/dev/null || requirements/debian.sh libgomp1
	@touch $@

.venv/.joint: requirements/joint.txt .venv/.base
	@$(INSTALL) $(PINNED) -r requirements/joint.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.base .venv/.joint
	@$(INSTALL) $(PINNED) -r requirements/dev.txt
	@touch $@

$(BIN)/wuxin: pyproject.toml .venv/.base
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
