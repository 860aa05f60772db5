"""Settings that every test shares."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Programs here are compiled for few calls. Level 1 compiles in about half the time of
# the default and its programs are hardly slower; level 0 would take a fifth, but its
# convolutions run eight times as long. Programs this small are not worth dividing among
# threads that compile, which costs a tenth more.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=1 --xla_cpu_parallel_codegen_split_count=1",
)

# Before any module of Acme: it puts back what release 0.4.0 needs of JAX and NumPy.
from acme_moe import memory
from tests import programs

_CACHE = "JAX_COMPILATION_CACHE_DIR"
_PROGRAMS_CALLED_SELDOM = (
    "agents/test_builders.py",
    "agents/test_cql.py",
    "agents/test_recurrent_policy.py",
    "diagnostics/",
    "learning/",
    "losses/",
    "networks/",
)
_FASTER_THAN_READING = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.01"}


def pytest_configure(config):
    """One cache of compiled programs, and one server of forks, for all of a session.

    Compiling, not running, takes most of the time of these small programs, and most
    of them are compiled by several tests.
    """
    if hasattr(config, "workerinput"):
        return
    if _CACHE not in os.environ:
        folder = tempfile.mkdtemp(prefix="acme_moe_tests_")
        os.environ.update({_CACHE: folder, **_FASTER_THAN_READING})
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    stack = contextlib.ExitStack()
    stack.enter_context(programs.fork_server())
    config.add_cleanup(stack.close)


@pytest.fixture(autouse=True, scope="module")
def quick_compilation(request):
    """Where programs run once or twice, optimising them takes longer than it saves."""
    path = request.path.relative_to(Path(__file__).parent).as_posix()
    if not path.startswith(_PROGRAMS_CALLED_SELDOM):
        yield
        return
    # Reads at its import where the cache is, which is set above.
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def malloc_unset(monkeypatch):
    """An environment in which a process keeps its freed memory if told to."""
    for variable in (*memory.VARIABLES, "GLIBC_TUNABLES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    return monkeypatch
