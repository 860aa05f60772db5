"""A lock on a run's folder, held for as long as its process lives.

The lock belongs to an open file that the process inherits, so it outlives the sweep
that took it and ends with the process, however that ends. `flock` of util-linux takes
the same lock, which is how printed commands do.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

FILE_NAME = "sweep.lock"


def take(folder: Path) -> int | None:
    """Takes a folder's lock.

    Args:
      folder: of the run; it exists.

    Returns:
      The open file that holds it, to be passed on and closed; None if another
      process has the lock.
    """
    descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_taken(folder: Path) -> bool:
    """Returns whether some process has a folder's lock."""
    if not (folder / FILE_NAME).exists():
        return False
    descriptor = take(folder)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
