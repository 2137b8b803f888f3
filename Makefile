# `make compare` and `make test` do all of their own set-up; `make help` lists the rest.
# Kept to what GNU Make 3.81 knows: that is the one a Mac has.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
OLDEST := .venv-tf218
STUDY ?= mnist
WORKERS ?= 2
ARGS ?=
# `make compare` of mnist takes five of its ten seeds, into a folder of its own, unless ARGS say how many.
FIRST_mnist := --seeds 5 --out runs/figures/mnist-five
FEWER = $(findstring --seeds,$(ARGS))$(findstring --preset,$(ARGS))

# On a Mac, tensorflow-metal drops the ReLU of a dense layer in graph mode unless its remapper is off.
export TURN_OFF_REMAPPER := 1

##@ The two commands
compare: $(VENV)/.installed ## train and compare the optimizers, then draw the figures (STUDY=mnist, ARGS='--seeds 3')
	$(VENV)/bin/python -m experiments compare $(STUDY) $(if $(FEWER),,$(FIRST_$(STUDY))) $(ARGS)

test: setup browser ## run the fast tests, with every branch of tfoptim/ covered (ARGS='-k adam --no-cov')
	$(VENV)/bin/python -m pytest $(PARALLEL) $(COVERAGE) -m '$(FAST)' $(ARGS)

##@ Checks
check: test-all lint types docs test-oldest ## everything: all tests, lint, types, the site, the oldest TensorFlow

test-all: test test-slow ## run all tests, in two passes

test-slow: WORKERS := $(shell expr $(WORKERS) + 1)
test-slow: setup browser ## run what `make test` leaves out: kills, whole comparisons, whole products, the network
	$(VENV)/bin/python -m pytest $(PARALLEL) -m 'not ($(FAST))' $(ARGS)

lint: setup ## format, lint and architecture rules
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/lint-imports --no-cache

types: setup ## mypy and pyright
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright

test-oldest: $(OLDEST)/.installed $(OLDEST)/.native ## run the library's tests on the oldest TensorFlow and Keras
	$(OLDEST)/bin/python -m pytest $(PARALLEL) -m 'not product and not network' $(LIBRARY_TESTS) $(ARGS)

fuzz: ## run the native driver under sanitizers, on 10,000 cases (needs a C++ compiler with sanitizers)
	$(CXX) -std=c++17 -O1 -g -ffp-contract=off -fno-math-errno -DTFOPTIM_PLAIN -Itfoptim/native/src \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		tests/library/native/fuzz.cc tfoptim/native/src/step.cc -o $(or $(TMPDIR),/tmp)/tfoptim-fuzz -pthread
	$(or $(TMPDIR),/tmp)/tfoptim-fuzz 10000 1

docs: setup browser $(VENV)/docs/installed ## build the site in build/docs: examples run, warnings are errors, every page is opened
	$(VENV)/bin/python -m pytest -q -n 0 --no-cov docs
	PYTHONPATH=$(VENV)/docs TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m docs
	$(VENV)/bin/python -m pytest -q -n 0 --no-cov tests/site

release: setup $(VENV)/release/installed ## build and check sdist and wheel in dist/, and print what to do by hand
	$(VENV)/bin/python -m tests.release

durations: setup browser ## run all tests, and write what takes long to tests/durations.txt
	$(VENV)/bin/python -m pytest $(PARALLEL) -m 'not network' --write-durations $(ARGS)

LIBRARY_TESTS := tests/library tests/test_readme.py tests/test_lanes.py tfoptim
FAST := not slow and not network
# A file stays with one worker, because its tests share what they need; tests/conftest.py puts the longest file first.
# Slow tests of kills and leases mostly wait, so that one worker more than processors pays.
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
COVERAGE := --cov --cov-report=term-missing:skip-covered

##@ Set-up
setup: $(VENV)/.installed $(VENV)/.native ## make .venv from the lock, with tfoptim and its native operation (PYTHON=python3.12)

browser: $(VENV)/browser/installed ## the headless browser that the tests open the report in, from its lock

native: $(VENV)/.installed ## build the native operation of this TensorFlow, if it is missing
	@TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m tfoptim.native

format: setup ## let ruff format and mend what it can
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

table: setup ## write the tables of README.md and docs/api/optimizers.md from the classes, and the package index's text
	$(VENV)/bin/python -m tests.tables

artefacts: $(OLDEST)/.installed ## write the saved files of this version, which every later one must load
	$(OLDEST)/bin/python -m tests.library.artefact

commands: setup ## write docs/compare/commands.md, from the declarations in experiments/cli
	$(VENV)/bin/python -c 'from experiments.cli import page; print(page(), end="")' > docs/compare/commands.md.new
	mv docs/compare/commands.md.new docs/compare/commands.md

study-file: setup ## write docs/compare/study-file.md, from the declarations in experiments/studies
	$(VENV)/bin/python -c 'from experiments.studies.reference import page; print(page(), end="")' > docs/compare/study-file.md.new
	mv docs/compare/study-file.md.new docs/compare/study-file.md

lock: setup ## solve the ranges in pyproject.toml anew and write the lock files
	$(call compile,build,requirements/build.in)
	$(call compile,newest,pyproject.toml requirements/newest.in --all-extras)
	$(call compile,oldest,pyproject.toml requirements/oldest.in --extra test)
	$(call compile,docs,requirements/docs.in -c requirements/newest.txt)
	$(call compile,release,requirements/release.in -c requirements/newest.txt)
	$(VENV)/bin/python tests/browser/install.py --lock

clean: ## remove the environments and what the tools left
	rm -rf $(VENV) $(OLDEST) *.egg-info build dist docs/generated htmlcov .coverage* .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: compare test check lint types test-all test-slow test-oldest docs release durations setup native fuzz browser format table artefacts commands study-file lock clean help

# A stamp is written last, so that an interrupted set-up is begun again.
$(VENV)/.locked: requirements/newest.txt requirements/build.txt
	$(call create,$(VENV),requirements/newest.txt)

$(VENV)/browser/installed: $(VENV)/.installed tests/browser/package-lock.json
	$(VENV)/bin/python tests/browser/install.py

# Tools next to the environment, so that it stays what its lock says: PYTHONPATH adds them.
$(VENV)/%/installed: requirements/%.txt $(VENV)/.installed
	@rm -rf $(VENV)/$*
	$(VENV)/bin/python -m pip install $(HASHED) --target $(VENV)/$* -r $<
	@touch $@

$(OLDEST)/.locked: requirements/oldest.txt requirements/build.txt
	$(call create,$(OLDEST),requirements/oldest.txt)

%/.installed: %/.locked pyproject.toml setup.cfg
	$*/bin/python -m pip install $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

NATIVE := $(wildcard tfoptim/native/*.py tfoptim/native/src/*.* tfoptim/native/src/missing/*.h tfoptim/native/src/missing/*/*.h)

# The native operation is optional: where there is no C++ compiler a line says so, and set-up goes on. Runs of studies do
# not use it, so `compare` does not wait for it. Standard error has the lines that TensorFlow writes when it starts.
%/.native: %/.installed $(NATIVE)
	@TF_CPP_MIN_LOG_LEVEL=3 $*/bin/python -m tfoptim.native --optional 2>$*/.native.log || { cat $*/.native.log >&2; exit 1; }
	@touch $@

# Nothing unhashed is fetched: the build tools come first, so that no build fetches its own.
PIP := -qq --disable-pip-version-check --no-input
HASHED := $(PIP) --require-hashes --no-deps --only-binary :all:

# $(call create,FOLDER,LOCK)
define create
	@rm -rf $(1)
	@$(find_python); \
	echo "Setting up $(1) from $(2) with $$($$python --version): some minutes the first time."; \
	$$python -m venv $(1)
	$(1)/bin/python -m pip install $(HASHED) -r requirements/build.txt
	$(1)/bin/python -m pip install $(HASHED) --no-binary promise --no-build-isolation -r $(2)
	@touch $(1)/.locked
endef

# A python on the PATH may be a shim that cannot run, too old, or without the parts that make a virtual environment.
define find_python
for python in $(pythons); do \
	if $$python -c $(usable) >/dev/null 2>&1; then break; fi; python=; \
done; \
if [ -z "$$python" ]; then \
	echo "No Python 3.11, 3.12 or 3.13 that can make a virtual environment (tried: $(pythons)); install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; \
	exit 1; \
fi
endef
pythons = $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python)
usable := 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'

# $(call compile,LOCK,SOURCES): one file for all Pythons and every system.
define compile
	$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-config \
		--custom-compile-command 'make lock' --output-file requirements/$(1).txt $(2)
endef
