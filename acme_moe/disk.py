"""Writing, and what is said where the disk will not have it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# A disk that is full, or may be.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What else a disk or a mount does, which libraries in C++ only say in the message of an
# exception of their own.
_BROKEN = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)
# Paths at which there can be no such file.
_IMPOSSIBLE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)


class DiskError(RuntimeError):
    """Something could not be written; names the path, the reason and what is free."""


@contextlib.contextmanager
def writing(path: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turns what a failed write raises, in whatever library, into one line.

    Args:
      path: that is written, or the folder of what is.
      needed: bytes of it, where that is known.

    Raises:
      DiskError: in place of the error that entering it met.
    """
    try:
        yield
    except DiskError:
        raise
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        message = f"{path} could not be written: {os.strerror(code)}"
        if code in _FULL:
            message += f"; {size(_free(path))} free"
            message += "" if needed is None else f", {size(needed)} needed"
        raise DiskError(message) from error


def size(num_bytes: float) -> str:
    """Returns a number of bytes as people read it, such as `1.5 MB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while num_bytes >= 1_000 and len(units) > 1:
        num_bytes /= 1_000
        del units[0]
    return f"{num_bytes:.3g} {units[0]}"


def _code(error: Exception) -> int | None:
    """Returns what the disk answered, None if it is not that which went wrong."""
    if isinstance(error, OSError):
        known = (*_FULL, *_BROKEN, *_IMPOSSIBLE)
        return error.errno if error.errno in known else None
    said = str(error)
    return next(
        (code for code in (*_FULL, *_BROKEN) if os.strerror(code) in said), None
    )


def _free(path: Path) -> int:
    """Returns the bytes free where a path is, or would be."""
    for folder in (path, *path.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0
