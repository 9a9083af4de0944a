# Everything below sets up its own environment in .venv and needs Python 3.11 or 3.12, make and bash. No root.
#   PYTHON=…        another interpreter
#   TORCH_INDEX=…   another wheel index for torch (plain Linux gets the CUDA build from PyPI, several GB)
#   AUDIO=…         the file that `make demo` transcribes in place of the bundled sample
#   MINUTES, SEEDS  how long `make soak` makes faults, over all seeds together, and what its generators start from
#   BENCH=…         the one measurement that `make bench` is to make

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

SUITABLE := import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	if $$python -c '$(SUITABLE)' 2>/dev/null; then echo $$python; break; fi; done)
BIN := .venv/bin
MINUTES ?= 30
SEEDS ?= 1 2 3
PIP := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
# of pip's lines, the large downloads and what went wrong
SHOW := awk '/^ *Downloading .*\([0-9.]+ [MG]B\)/ {sub(/^ */, "  "); print} /^Installing/ {print "  unpacking"} \
	/ERROR|error:/ {print} {fflush()}'

# Debian packages that the tests need besides Python and make (`make ci-deps`)
DEBIAN_PACKAGES := chromium fonts-wqy-microhei redis-server nginx-light prometheus

.PHONY: help demo test test-full check soak bench bench-full demo-model ci-deps clean

help:
	@echo "make demo [AUDIO=file]   transcribe a sample (or your file) through the whole stack"
	@echo "make test                the default tests; test-full: the long ones; check: lint, types, import rules"
	@echo "make soak [MINUTES=30] [SEEDS=\"1 2 3\"]   load and random faults; fails if anything is lost, doubled or different"
	@echo "make bench [BENCH=name]  measure this machine; writes bench/RESULTS.md; bench-full: the long ones too"
	@echo "make demo-model          train the bundled model anew (needs espeak-ng, about an hour)"
	@echo "make clean               remove .venv and what tools left behind"

demo: .venv/.all
	@$(BIN)/python -m tingxie.demo "$(AUDIO)"

# A GPU test skips itself where there is no CUDA device; tests/allowed-skips.txt lets it, in CI too. Two files of tests at
# once: half of them wait for leases and restarts. Each process has its own Redis, services and folders.
test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not full"

test-full: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "full"

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# 30 minutes of faults, and some minutes more for the start and the end of each seed.
soak: .venv/.dev
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seeds $(SEEDS)

bench: .venv/.dev
	$(BIN)/python -m bench.run $(BENCH)

bench-full: .venv/.dev
	$(BIN)/python -m bench.run --full $(BENCH)

demo-model: .venv/.dev
	$(BIN)/python -m demo_model.build

ci-deps:
	@missing=""; for package in $(DEBIAN_PACKAGES); do \
		dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then echo "ci-deps: nothing to install"; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq $$missing; \
	else echo "ci-deps: as root I would run: apt-get install$$missing"; fi

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamps are newer than pyproject.toml once its dependencies are installed; dev brings all that demo needs.
.venv/.all: pyproject.toml
	$(call prepare_venv)
	@if [ .venv/.dev -nt pyproject.toml ]; then echo "setup: .venv holds everything"; else $(call install,all); fi
	@touch $@

.venv/.dev: pyproject.toml
	$(call prepare_venv)
	@$(call install,dev)
	@touch $@

define prepare_venv
@if [ -z "$(PYTHON)" ]; then echo "setup: Python 3.11 or 3.12 is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; fi
@if [ ! -x $(BIN)/python ]; then echo "setup: making .venv with $(PYTHON)"; \
	$(PYTHON) -m venv .venv || { rm -rf .venv; \
	echo "setup: can't make a virtual environment (on Debian: apt install python3-venv)" >&2; exit 1; }; fi
endef

define install
if [ -n "$(TORCH_INDEX)" ]; then echo "setup: torch from $(TORCH_INDEX)"; \
	$(PIP) --index-url "$(TORCH_INDEX)" torch==2.13.0 2>&1 | $(SHOW); fi; \
echo "setup: installing tingxie[$(1)] (a few minutes the first time)"; \
$(PIP) -e ".[$(1)]" 2>&1 | $(SHOW)
endef
