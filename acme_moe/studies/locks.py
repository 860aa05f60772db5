"""A lock on a run's folder, held for as long as its process lives.

The lock belongs to an open file that the process inherits, so it outlives the sweep
that took it and ends with the process, however that ends. `flock` of util-linux takes
the same lock, which is how printed commands do.
"""

from __future__ import annotations

import os
from pathlib import Path

from acme_moe import folder_lock

FILE_NAME = "sweep.lock"


def take(folder: Path) -> int | None:
    """Takes a folder's lock.

    Args:
      folder: of the run; it exists.

    Returns:
      The open file that holds it, to be passed on and closed; None if another
      process has the lock.
    """
    return folder_lock.take(folder / FILE_NAME)


def is_taken(folder: Path) -> bool:
    """Returns whether some process has a folder's lock."""
    if not (folder / FILE_NAME).exists():
        return False
    descriptor = take(folder)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
