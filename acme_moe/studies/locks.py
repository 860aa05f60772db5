"""A lock on a run's folder, held for as long as its process lives.

The lock belongs to an open file that the process inherits, so it outlives the sweep
that took it and ends with the process, however that ends. `flock` of util-linux takes
the same lock, which is how printed commands do.
"""

from __future__ import annotations

import time
from pathlib import Path

from acme_moe import folder_lock

FILE_NAME = "sweep.lock"
_GLANCE_SECONDS = 0.05


def take(folder: Path) -> int | None:
    """Takes the lock of a run's folder, which exists.

    Returns:
      The open file that holds it, to be passed on and closed; None if another
      process has the lock.
    """
    lock = folder_lock.take(folder / FILE_NAME)
    if lock is None:
        time.sleep(_GLANCE_SECONDS)  # Another process may only have looked.
        lock = folder_lock.take(folder / FILE_NAME)
    return lock


def is_taken(folder: Path) -> bool:
    """Returns whether some process has a folder's lock.

    Raises:
      OSError: if the folder or its lock cannot be read.
    """
    return folder_lock.is_taken(folder / FILE_NAME)
