# `make setup` makes .venv; every other target makes it when it is missing or stale.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
WORKDIR ?= runs/demo
TESTS ?= tests

# Launchpad has wheels for no later Python than 3.10, and today's JAX for none before
# 3.12: its tests of the pure parts have an environment of their own.
NEWEST := build/newest_jax
PURE := tests/losses \
  $(addprefix tests/learning/test_,branches.py objectives.py offline_objectives.py update.py) \
  $(addprefix tests/diagnostics/test_,matrices.py measure.py) \
  $(addprefix tests/networks/test_,describe.py gradients.py mixtures.py noisy.py \
    reference.py settings.py token_grid.py tokenizers.py)

.PHONY: help setup demo test pure lint format typecheck check bench docs dist gpu lock slurm slurm-stop clean

help:
	@echo 'make demo       train DQN with Soft MoE on a real game, in under 5 minutes'
	@echo 'make test       run the tests (TESTS=tests/replay for some of them)'
	@echo 'make pure       test the pure parts on the newest JAX, with Python 3.12 or 3.13'
	@echo 'make check      what CI runs: lint, types, all of these tests'
	@echo 'make format     let Ruff fix what it can'
	@echo 'make setup      only make the environment, $(VENV)'
	@echo 'make gpu        swap in the CUDA build of the same JAX'
	@echo 'make dist       an sdist and a wheel in build/dist'
	@echo 'make docs       the reference of the package, build/docs/index.html'
	@echo 'make bench      the benchmarks of this machine, one after the other'
	@echo 'make slurm      start a SLURM of two nodes here (make slurm-stop ends it)'
	@echo 'make lock       resolve requirements*.txt anew (needs uv)'

setup: $(READY)

# No resolver: every pin has its hashes, and dm-acme and TensorFlow ask for versions
# of Launchpad and numpy that do not go together (see pyproject.toml).
$(READY): requirements.txt pyproject.toml
	@python=$$(PYTHON='$(PYTHON)' scripts/find_python.sh 3.10) && \
	  { [ -x $(BIN)/python ] || "$$python" -m venv $(VENV); }
	$(PIP) install --quiet --no-deps --require-hashes --use-pep517 -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(NEWEST)/ready: requirements-pure.txt
	$(NEWER) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip --disable-pip-version-check --no-input install --quiet \
	  --no-deps --require-hashes -r requirements-pure.txt
	@touch $@

# The reference's games and training steps need an emulator and Acme.
pure:
	@if newer=$$(scripts/find_python.sh 3.13 3.12 2>/dev/null); then \
	  $(MAKE) --no-print-directory $(NEWEST)/ready NEWER="$$newer" && \
	  $(NEWEST)/bin/python -c 'import jax, sys; print("JAX", jax.__version__, sys.version)' && \
	  $(NEWEST)/bin/python -m pytest -n 2 -k 'not ale_ and not train_' $(PURE); \
	else echo 'no Python 3.12 or 3.13 is here: nothing was tried on the newest JAX'; fi

gpu: $(READY)
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-gpu.txt
	$(BIN)/python -c 'import jax; print(jax.devices())'

demo: $(READY)
	$(BIN)/python launchers/demo.py --workdir=$(WORKDIR)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -rs --durations=15 $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(READY)
	$(BIN)/mypy

check: lint typecheck pure test

# Not those that need dopamine, an accelerator or a study, or take hours.
bench: $(READY)
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/environment.py
	$(BIN)/python benchmarks/encoder.py
	$(BIN)/python benchmarks/replay.py
	$(BIN)/python benchmarks/learner.py
	$(BIN)/python benchmarks/learner_step.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/distributed.py
	$(BIN)/python benchmarks/offline.py

dist: $(READY)
	$(BIN)/python -m build --no-isolation --outdir build/dist

# It warns of annotations of generated methods that it leaves as they stand.
docs: $(READY)
	$(BIN)/python -W ignore -m pdoc --docformat google -o build/docs acme_moe

LOCK := uv pip compile --quiet --python-platform x86_64-manylinux_2_28 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version
lock:
	$(LOCK) 3.10 pyproject.toml --extra agents --extra gymnasium --extra dev \
	  --group no-deps -o requirements.txt
	echo 'jax[cuda12]==0.6.2' | $(LOCK) 3.10 - -o requirements-gpu.txt
	$(LOCK) 3.12 --no-config pyproject.toml --group pure -o requirements-pure.txt

# To try the batch scripts of studies on; prints the variable that sbatch needs.
slurm:
	@scripts/slurm.sh start build/slurm

slurm-stop:
	@scripts/slurm.sh stop build/slurm

clean: slurm-stop
	rm -rf $(VENV) build *.egg-info
