"""Keeps compiled programs on disk, for the runs that come after.

Compiling takes most of the seconds before a run's first update, and runs of the same
network need the same programs. JAX keeps them in a folder, here by default
`acme_moe/jax` in the user's cache folder, `$XDG_CACHE_HOME` or `~/.cache`. Its own
settings come first: JAX_COMPILATION_CACHE_DIR names another folder, and
JAX_ENABLE_COMPILATION_CACHE=false turns it off.

Several processes may share the folder: one that finds an entry which another is still
writing compiles for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

FOLDER = "JAX_COMPILATION_CACHE_DIR"
_ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
# By default JAX keeps only programs that take long to compile; the many small ones of a
# start together take as long as one of those.
_LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
# Some hundreds of networks; a program of an Impala network is a few megabytes.
MAX_BYTES = 2 * 2**30


def keep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets the variables with which JAX keeps what it compiles.

    Call it before JAX is imported. Processes that this one starts inherit them. It does
    nothing where JAX's own variables are set, or the folder cannot be written.

    Args:
      environment: mapping in which the variables are looked up and set.
    """
    if FOLDER in environment or _ENABLED in environment:
        return
    try:
        folder = _default_folder(environment)
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # The latter of a user without a home.
        return
    if not os.access(folder, os.W_OK):
        return
    drop_oldest(folder.parent, MAX_BYTES)
    environment[FOLDER] = str(folder)
    environment.setdefault(_LEAST_SECONDS, "0")


def drop_oldest(folder: Path, max_bytes: int) -> None:
    """Removes the least recently used files until the others fit in `max_bytes`.

    JAX could do so itself, but with a lock at each access and another package.

    Args:
      folder: folder with the files, in it or below it.
      max_bytes: total size of the files that may stay, in bytes.
    """
    used = []
    for path in folder.rglob("*"):
        # Another process may have removed it.
        with contextlib.suppress(OSError):
            if path.is_file():
                status = path.stat()
                used.append(
                    (max(status.st_atime, status.st_mtime), status.st_size, path)
                )
    size = 0
    for _, bytes_, path in sorted(used, reverse=True):
        size += bytes_
        if size > max_bytes:
            # In a shared folder, it may belong to another user.
            with contextlib.suppress(OSError):
                path.unlink()


def _default_folder(environment: MutableMapping[str, str]) -> Path:
    """Returns the folder for processors with the same instructions as this one's.

    A program compiled for a CPU uses the instructions of that CPU, and JAX does not
    tell apart the machines that share a folder.
    """
    caches = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    instructions = platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        flags = (line for line in lines if line.startswith(("flags", "Features")))
        instructions += next(flags, "")
    kind = hashlib.sha256(instructions.encode()).hexdigest()[:16]
    return Path(caches) / "acme_moe" / "jax" / kind
