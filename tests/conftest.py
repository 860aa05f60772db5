"""Settings that every test shares."""

import contextlib
import os
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
from acme_moe import compilation, memory
from tests import programs

# Without Impala, whose programs take six times as long where they are not optimised.
_PROGRAMS_CALLED_SELDOM = (
    "agents/test_builders.py",
    "agents/test_cql.py",
    "agents/test_recurrent_policy.py",
    "agents/test_settings_in_use.py",
    "benchmarks/",
    "cli/test_check.py",
    "cli/test_check_agent.py",
    "diagnostics/",
    "examples/test_own_moe.py",
    "learning/",
    "losses/",
    "networks/",
    "runs/test_bsuite_agents.py",
    "runs/test_own_environment.py",
    "runs/test_suites.py",
    "runs/test_trained.py",
    "viewing/",
)
# Programs that take less are compiled faster than they are read.
_LEAST_SECONDS = ("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.01")


def pytest_configure(config):
    """Sets up a cache of compiled programs, a fork server and a folder for a session.

    Compiling, not running, takes most of the time of these small programs, and most
    of them are compiled by several tests. The next session on this machine finds them
    in the user's cache.
    """
    programs.skip_fsync()
    if hasattr(config, "workerinput"):
        return
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    stack.enter_context(_temporary_folder())
    if compilation.FOLDER not in os.environ:
        os.environ.setdefault(*_LEAST_SECONDS)
        os.environ[compilation.FOLDER] = _cache()
    stack.enter_context(programs.fork_server())


@contextlib.contextmanager
def _temporary_folder():
    """Has what this process and all that it starts leave behind removed at the end.

    Each Reverb server leaves a folder. Those that pytest gives to tests stay as usual.
    """
    temporary = os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    with (
        tempfile.TemporaryDirectory(
            prefix="acme_moe_tests_", ignore_cleanup_errors=True
        ) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PYTEST_DEBUG_TEMPROOT", temporary)
        patch.setenv("TMPDIR", folder)
        # Which has been read by now.
        patch.setattr(tempfile, "tempdir", folder)
        yield


def _cache():
    """Returns a folder beside that of runs, whose programs are not to make room."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = {"XDG_CACHE_HOME": f"{caches}/acme_moe_tests"}
    compilation.keep(kept)
    if compilation.FOLDER in kept:
        return kept[compilation.FOLDER]
    return tempfile.mkdtemp()


@pytest.fixture(autouse=True, scope="module")
def quick_compilation(request):
    """Where programs run once or twice, optimising them takes longer than it saves."""
    path = request.path.relative_to(Path(__file__).parent).as_posix()
    if not path.startswith(_PROGRAMS_CALLED_SELDOM):
        yield
        return
    # Imported here, as it then reads where the cache is, which is set above.
    import jax

    before = jax.config.read(programs.NOT_OPTIMIZED)
    jax.config.update(programs.NOT_OPTIMIZED, True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(programs.NOT_OPTIMIZED.upper(), "true")
        yield
    jax.config.update(programs.NOT_OPTIMIZED, before)


@pytest.fixture
def malloc_unset(monkeypatch):
    """An environment in which a process keeps its freed memory if told to."""
    for variable in (*memory.VARIABLES, "GLIBC_TUNABLES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    return monkeypatch


@pytest.fixture
def as_on_accelerator(monkeypatch):
    """Makes a context in which the forms for the CPU are not taken."""

    def otherwise(*operands, cpu, default):
        del cpu
        return default(*operands)

    @contextlib.contextmanager
    def context():
        with monkeypatch.context() as patch:
            patch.setattr("jax.lax.platform_dependent", otherwise)
            yield

    return context
