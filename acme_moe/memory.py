"""Memory that one update frees is kept for the next.

XLA:CPU asks the C library for the buffers of each call anew. By default glibc gives
buffers of that size back to the system at once, which then clears them page by page
when the next call touches them: 32,000 to 51,000 page faults an update of the Impala
networks, a tenth of its time or more.

glibc can be told otherwise by its variables only, before the process starts its first
thread; importing numpy starts some.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys

# See mallopt(3). One arena, because the others cannot keep large buffers; everything on
# the heap; and nothing of the heap returned.
VARIABLES = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}


def variables() -> dict[str, str]:
    """Environment variables with which a process keeps what it frees.

    None where the C library is not glibc, where JAX has an accelerator's plugin (the
    buffers are not glibc's then, and other threads may want arenas of their own), or if
    one of them, or `GLIBC_TUNABLES`, is set already: whoever did that has a reason.
    """
    on_cpu = os.environ.get("JAX_PLATFORMS") == "cpu"
    accelerator = importlib.util.find_spec("jax_plugins") is not None
    if platform.libc_ver()[0] != "glibc" or (accelerator and not on_cpu):
        return {}
    if any(name in os.environ for name in (*VARIABLES, "GLIBC_TUNABLES")):
        return {}
    return dict(VARIABLES)


def keep_freed() -> None:
    """Starts this program again, as the same process, with `variables`.

    Is to be called before anything is done that would be done twice. Returns where
    there is nothing to set, and so in the program that was started again.
    """
    if missing := variables():
        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **missing})
