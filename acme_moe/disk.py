"""Turns the errors of failed writes into one line, and formats sizes."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# Errors of a disk that is full, or may be.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Other errors of a disk or a mount. Libraries in C++ report these, and a full disk, in
# nothing but the message of an exception of their own.
_BROKEN = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)
# Errors of a path at which there can be no such file.
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
    """Turns the error of a failed write, whatever library raised it, into one line.

    Args:
      path: file that is written, or its folder.
      needed: number of bytes to be written, if known.

    Raises:
      DiskError: replaces an error in the `with` block that comes from the disk or the
        path; all others pass through.
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
    # Three digits of 999.5 and more are those of the next unit.
    while num_bytes >= 999.5 and len(units) > 1:
        num_bytes /= 1_000
        del units[0]
    return f"{num_bytes:.3g} {units[0]}"


def _code(error: Exception) -> int | None:
    """Returns the `errno` of a failed write; None if something else went wrong."""
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
