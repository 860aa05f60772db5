"""Tells what kind of machine this process runs on."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform

_CPU_INFO = "/proc/cpuinfo"


def find_platform() -> str:
    """Returns JAX's version, the number of cores and the kind of processor.

    For example `JAX 0.6.2, 2 cores, AMD EPYC 7B13`. A seeded run that is repeated on
    another platform may differ, even with the same code and settings. The cores are
    those that the process may use. Accelerators are not named: asking for them would
    take one of them in processes that need none.
    """
    cores = len(os.sched_getaffinity(0))
    return (
        f"JAX {importlib.metadata.version('jax')}, "
        f"{cores} core{'s' if cores > 1 else ''}, {_processor()}"
    )


def _processor() -> str:
    # Python's own functions name only the architecture on most systems.
    with contextlib.suppress(OSError), open(_CPU_INFO) as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
