"""Text files that are replaced whole, the ends of logs, and Python files by path."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from acme_moe import disk

UNFINISHED = ".unfinished"
"""Ending of what is being written, and is renamed when it is complete."""


def write_text(path: Path, text: str, *, synced: bool = True) -> None:
    """Replaces a file at once: a reader sees the old text or the new one, whole.

    Args:
      path: of the file.
      text: that it gets.
      synced: whether that holds after a crash of the machine, too, which takes longer.

    Raises:
      DiskError: if it cannot be written; the old file stays.
    """
    temporary = path.with_name(path.name + UNFINISHED)
    data = text.encode()
    with disk.writing(path, needed=len(data)):
        try:
            temporary.write_bytes(data)
            if synced:
                sync(temporary)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def append_text(path: Path, text: str) -> None:
    """Appends to a file, which is made where it is missing, all or nothing.

    Raises:
      DiskError: if it cannot be written; the file is as it was.
    """
    data = text.encode()
    with disk.writing(path, needed=len(data)), path.open("ab", buffering=0) as stream:
        before = stream.tell()
        try:
            while data:
                # A disk that took only a part says at the next try why not all of it.
                data = data[stream.write(data) :]
        except OSError:
            stream.truncate(before)
            raise


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """Replaces a file at once by a value in JSON, indented; as `write_text`."""
    write_text(path, json.dumps(value, indent=2) + "\n", synced=synced)


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last_lines(path: Path, count: int) -> list[str]:
    """Returns the last lines of a log without white space at their ends.

    Args:
      path: of the log.
      count: how many lines at most.

    Returns:
      The lines, none where there is no such file.
    """
    try:
        with path.open(errors="replace") as stream:
            return [line.rstrip() for line in collections.deque(stream, maxlen=count)]
    except FileNotFoundError:
        return []


def load_module(path: Path) -> ModuleType:
    """Returns what a Python file defines, wherever it is."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
