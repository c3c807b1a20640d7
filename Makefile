# Everything a newcomer, an operator and a contributor needs, by name.
#   make run       install and start Talas with the demo station
#   make quick     lint, and the tests that need no browser and no server of others
#   make test      lint, C tests and all tests, with coverage
#   make lint      ruff and the strict type checker
#   make bench     the benchmarks, with the peers they are measured against
#   make load      a short crowd of locust users against a fresh server: PASS or FAIL
#   make fuzz      the parsers against hostile bytes, for minutes
#   make attack    attacks on a fresh server, and what each costs everybody else: PASS or FAIL
#   make stress    everybody at once while parts are killed and frozen, for ten minutes; prints its seed
#   make native    build the audio kernels again, loudly

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SRC    := talas_core talas_api talas_stream talas_synth benchmarks loadtests tests setup.py

# A worker for each core; a file's tests stay together, in the order they are written in.
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
SPREAD  := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The tests start hundreds of processes; without the files that this keeps from being written, each
# would compile every module of Talas anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run quick quick-unit test lint unit bench load fuzz attack stress install install-dev install-sound told native clean

run: install
	$(BIN)/talas serve --demo

quick: install-dev
	$(MAKE) --no-print-directory -j 2 lint quick-unit

quick-unit: install-dev
	$(BIN)/python -m pytest $(SPREAD) -m "not journey and not servers"

test: install-dev
	$(MAKE) --no-print-directory -j 2 lint unit

lint: install-dev
	$(BIN)/ruff check $(SRC)
	$(BIN)/ruff format --check $(SRC)
	$(BIN)/mypy

# Branch coverage of every package by all but the journeys, child processes included; the bar stands
# in pyproject.toml.
unit: install-dev
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(SPREAD) --durations=50
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# TALAS_BENCH=short for a quick look at correctness; its times are not judged.
bench: install-dev
	$(BIN)/python -m pytest benchmarks --timeout=900

load: install-dev
	$(BIN)/python -m loadtests.run --users 60 --seconds 30 --report reports/load.html

# Long runs of every parser against hostile bytes; a short form is part of `make test`.
fuzz: install-dev
	$(BIN)/python -m tests.fuzz.run --seconds 60 --examples 20000

# Ten seconds each; a short form is part of `make test`. Some are for root alone, and skipped else.
attack: install-dev
	$(BIN)/python -m tests.attack.run --seconds 10

# Random faults on a fresh server, exact counts; SEED=n has the faults of an earlier run again. A short
# form is part of `make test`.
SECONDS ?= 600
stress: install-dev
	$(BIN)/python -m tests.stress.run --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

install: $(VENV)/.run
install-dev: $(VENV)/.dev

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "talas: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "talas: this Python lacks venv; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt setuptools Cython
	touch $@

SOURCES := pyproject.toml constraints.txt setup.py $(wildcard native/*)
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e

$(VENV)/.run: $(VENV)/.python $(SOURCES)
	$(MAKE) --no-print-directory told
	$(INSTALL) .
	touch $@

# All at once: installing for the tests what was installed to run builds the kernels a second time.
$(VENV)/.dev: $(VENV)/.python $(SOURCES)
	$(MAKE) --no-print-directory told
	$(INSTALL) '.[dev]'
	touch $(VENV)/.run $@

# What is missing for the kernels, which Talas runs without.
told:
	@command -v $${CC:-cc} >/dev/null || echo "talas: no C compiler, running on the Python twins; on Debian: apt-get install gcc, then make native"
	@test -f "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || \
		echo "talas: no Python.h, running on the Python twins; on Debian: apt-get install python3-dev, then make native"

# ViSQOL, which benchmarks/test_sound.py asks where it is there.
install-sound: $(VENV)/.dev
	$(INSTALL) '.[dev,sound]'

native: $(VENV)/.python
	TALAS_BUILD_NATIVE=on $(BIN)/python setup.py build_ext --inplace --force

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache
