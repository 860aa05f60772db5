"""Freed memory is kept for the next call."""

import os
import subprocess
import sys

import pytest

from acme_moe import memory

_VARIABLES = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"}
# Prints the page faults of 20 calls whose results are of 6,000 pages and more: beyond
# the 32 MB up to which glibc keeps what was freed once.
_PROGRAM = """
import resource
import sys
from acme_moe import memory
print("started", sys.argv[1:])
if "keep" in sys.argv:
    memory.keep_freed()
import jax
import jax.numpy as jnp
call = jax.jit(lambda x: jnp.outer(x, x))
x = jnp.ones(3000)
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    call(x).block_until_ready()
before = faults()
for _ in range(20):
    call(x).block_until_ready()
print(faults() - before)
"""


def page_faults(*arguments, **environment):
    """The faults, and how often the program was started."""
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    *starts, faults = result.stdout.splitlines()
    assert set(starts) == {f"started {list(arguments)}"}
    return int(faults), len(starts)


def test_a_process_keeps_what_it_freed(malloc_unset):
    given_back, starts = page_faults("--flag=a b")
    assert starts == 1
    assert given_back > 20 * 6_000
    kept, starts = page_faults("--flag=a b", "keep")
    assert starts == 2
    assert kept < given_back / 2


def test_what_the_user_set_stays(malloc_unset):
    faults, starts = page_faults("keep", GLIBC_TUNABLES="glibc.malloc.arena_max=4")
    assert (faults > 20 * 6_000, starts) == (True, 1)


@pytest.mark.parametrize("name", [*sorted(_VARIABLES), "GLIBC_TUNABLES"])
def test_who_set_one_has_a_reason(name, malloc_unset):
    assert set(memory.variables()) == _VARIABLES
    malloc_unset.setenv(name, "")
    assert memory.variables() == {}


def test_another_c_library_has_no_such_variables(malloc_unset):
    malloc_unset.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory.variables() == {}


def test_an_accelerator_has_memory_of_its_own(malloc_unset, tmp_path):
    (tmp_path / "jax_plugins").mkdir()
    malloc_unset.delenv("JAX_PLATFORMS")
    malloc_unset.syspath_prepend(tmp_path)
    assert memory.variables() == {}
    malloc_unset.setenv("JAX_PLATFORMS", "cpu")
    assert set(memory.variables()) == _VARIABLES
