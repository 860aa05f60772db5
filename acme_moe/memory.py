"""Keeps the memory that one update frees for the next.

XLA:CPU allocates the buffers of each call with the C library. By default glibc returns
buffers of that size to the system at once, which then clears them page by page when
the next call touches them: 32,000 to 51,000 page faults an update of the Impala
networks, a tenth of its time or more.

Only environment variables can change that, and only if they are set before the process
starts its first thread; importing numpy already starts some.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys

# See mallopt(3). One arena, because others cannot keep large buffers; everything is on
# the heap; and the heap is never trimmed.
VARIABLES = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}


def variables() -> dict[str, str]:
    """Returns environment variables with which a process keeps the memory it frees.

    Empty if the C library is not glibc; if JAX has an accelerator's plugin (the buffers
    are then not glibc's, and other threads may need arenas of their own), unless
    JAX_PLATFORMS is `cpu`; or if one of the variables, or `GLIBC_TUNABLES`, is already
    set, presumably on purpose.
    """
    on_cpu = os.environ.get("JAX_PLATFORMS") == "cpu"
    accelerator = importlib.util.find_spec("jax_plugins") is not None
    if platform.libc_ver()[0] != "glibc" or (accelerator and not on_cpu):
        return {}
    if any(name in os.environ for name in (*VARIABLES, "GLIBC_TUNABLES")):
        return {}
    return dict(VARIABLES)


def keep_freed() -> None:
    """Restarts this program, as the same process, with `variables`.

    Call it first, because everything before it runs twice. It returns if there is
    nothing to set, as in the restarted program.
    """
    if missing := variables():
        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **missing})
