# `make setup` makes .venv; every other target makes it when it is missing or stale.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
WORKDIR ?= runs/demo
TESTS ?= tests

.PHONY: help setup demo test lint format typecheck check bench docs gpu lock slurm slurm-stop clean

help:
	@echo 'make demo       train DQN with Soft MoE on a real game, in under 5 minutes'
	@echo 'make test       run the tests (TESTS=tests/replay for some of them)'
	@echo 'make check      what CI runs: lint, types, tests'
	@echo 'make setup      only make the environment, $(VENV)'
	@echo 'make gpu        swap in the CUDA build of the same JAX'
	@echo 'make docs       the reference of the package, build/docs/index.html'
	@echo 'make bench      all benchmarks, one after the other'
	@echo 'make slurm      start a SLURM of two nodes here (make slurm-stop ends it)'
	@echo 'make lock       resolve requirements*.txt anew (needs uv)'

setup: $(READY)

# No resolver: every pin has its hashes, and dm-acme and TensorFlow ask for versions
# of Launchpad and numpy that do not go together (see pyproject.toml).
$(READY): requirements.txt pyproject.toml
	@python=$$(PYTHON='$(PYTHON)' scripts/find_python.sh) && \
	  { [ -x $(BIN)/python ] || "$$python" -m venv $(VENV); }
	$(PIP) install --quiet --no-deps --require-hashes --use-pep517 -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

gpu: $(READY)
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-gpu.txt
	$(BIN)/python -c 'import jax; print(jax.devices())'

demo: $(READY)
	$(BIN)/python launchers/demo.py --workdir=$(WORKDIR)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=15 $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(READY)
	$(BIN)/mypy

check: lint typecheck test

bench: $(READY)
	$(BIN)/python benchmarks/environment.py
	$(BIN)/python benchmarks/replay.py
	$(BIN)/python benchmarks/learner.py
	$(BIN)/python benchmarks/learner_step.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/distributed.py
	$(BIN)/python benchmarks/offline.py

# It warns of annotations of generated methods that it leaves as they stand.
docs: $(READY)
	$(BIN)/python -W ignore -m pdoc --docformat google -o build/docs acme_moe

LOCK := uv pip compile --quiet --python-version 3.10 \
  --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header
lock:
	$(LOCK) pyproject.toml --extra agents --extra gymnasium --extra dev -o requirements.txt
	echo 'jax[cuda12]==0.6.2' | $(LOCK) - -o requirements-gpu.txt

# To try the batch scripts of studies on; prints the variable that sbatch needs.
slurm:
	@scripts/slurm.sh start build/slurm

slurm-stop:
	@scripts/slurm.sh stop build/slurm

clean: slurm-stop
	rm -rf $(VENV) build *.egg-info
