"""A folder that one process writes to at a time."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import IO

from absl import logging
from typing_extensions import Self

from acme_moe import disk, files

_NAME = ".lock"
# What file systems without locks answer, such as Lustre mounted without `flock`.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def take(path: Path) -> int | None:
    """Takes the lock on a file, which is made where it is missing.

    Args:
      path: path of the file, whose contents stay as they are.

    Returns:
      The open file that holds the lock, to be passed on or closed; None if another
      process has it. On a file system without locks nothing is held, and a warning
      says so.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    return _lock(descriptor, fcntl.LOCK_EX, path)


def is_taken(path: Path) -> bool:
    """Returns whether some process has the lock on a file.

    The file is read only, so that those who may not write to it can ask as well.

    Args:
      path: path of the file; nobody has the lock on one that is missing.

    Raises:
      OSError: if the file cannot be read, since nothing is known of it then.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    # For a moment this takes the lock as well, shared with all others who ask.
    held = _lock(descriptor, fcntl.LOCK_SH, path)
    if held is None:
        return True
    os.close(held)
    return False


def _lock(descriptor: int, operation: int, path: Path) -> int | None:
    """Locks an open file; returns it, or None after closing it; see `take`."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            os.close(descriptor)
            raise
        logging.warning(
            "%s: this file system has no locks (%s); "
            "do not start a second process on this folder",
            path.parent,
            error.strerror,
        )
    return descriptor


class FolderInUseError(RuntimeError):
    """Another process writes to the folder."""


class FolderLock:
    """Holds a folder until it is released or its process ends, SIGKILL included.

    The kernel holds the lock (`flock`), not the file that is left behind, so nothing
    has to be cleared away after a crash. On NFS it holds between machines as well,
    where the server keeps locks; on a file system without locks a warning says that
    nothing is held.
    """

    def __init__(self, folder: Path, *, field: str) -> None:
        """Takes the lock, and makes the folder where it is missing.

        Args:
          folder: folder to lock.
          field: flag or setting that the folder comes from, for messages.

        Raises:
          FolderInUseError: names the process and the host that hold it.
          DiskError: if the folder cannot be made or written to.
        """
        path = folder / _NAME
        with disk.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = take(path)
            if descriptor is None:
                raise FolderInUseError(
                    f"{field}: {str(folder)!r} is not accepted while "
                    f"{_describe_holder(path)} writes to it; wait for its end, or "
                    "choose another folder"
                )
            # Kept open for as long as it is held.
            self._file: IO[str] = os.fdopen(descriptor, "w")
            try:
                self._file.truncate(0)
                self._file.write(json.dumps(_myself()) + "\n")
                self._file.flush()
            except OSError:
                # A notebook keeps the traceback, and with it this object.
                self.release()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Lets others have the folder; may be called again."""
        self._file.close()


def _myself() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": shlex.join(sys.argv),
    }


def _describe_holder(path: Path) -> str:
    """Describes the process that holds a lock, if it has named itself yet."""
    holder = files.read_json_if_whole(path)
    if not _myself().keys() <= holder.keys():
        return "another process"
    return f"process {holder['pid']} on {holder['host']} ({holder['command']})"
