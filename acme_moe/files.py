"""Text files that are replaced whole, the ends of logs, and Python files by path."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from acme_moe import disk, validation

UNFINISHED = ".unfinished"
"""Suffix of a file that is being written; it is renamed when it is complete."""


def write_text(path: Path, text: str, *, synced: bool = True) -> None:
    """Replaces a file at once: a reader sees the old text or the new one, whole.

    Args:
      path: the file.
      text: its new contents.
      synced: whether this holds even if the machine crashes, which takes longer.

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
    """Appends to a file, all or nothing; makes the file if it is missing.

    Raises:
      DiskError: if it cannot be written; the file is as it was.
    """
    data = text.encode()
    with disk.writing(path, needed=len(data)), path.open("ab", buffering=0) as stream:
        before = stream.tell()
        try:
            while data:
                # If the disk took only a part, the next write tells why.
                data = data[stream.write(data) :]
        except OSError:
            stream.truncate(before)
            raise


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """Replaces a file's contents by a value as indented JSON; see `write_text`."""
    write_text(path, json.dumps(value, indent=2) + "\n", synced=synced)


def read_json(path: Path) -> dict[str, Any]:
    """Reads the object that a JSON file holds.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds something else; names the file.
    """
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: is not an object of JSON")
    return value


def read_json_if_whole(path: Path) -> dict[str, Any]:
    """Reads the object of a JSON file, empty where that is missing or damaged."""
    try:
        return read_json(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last_lines(path: Path, count: int) -> list[str]:
    """Returns the last lines of a log without white space at their ends.

    There are `count` of them at most, none where there is no such file.
    """
    try:
        with path.open(errors="replace") as stream:
            return [line.rstrip() for line in collections.deque(stream, maxlen=count)]
    except FileNotFoundError:
        return []


def load_function(path: Path, name: str, *, field: str) -> Callable[..., Any]:
    """Runs a Python file, wherever it is, and returns a function that it defines.

    Args:
      path: path of the file.
      name: name of the function.
      field: name of the setting that gave the path.

    Raises:
      ValueError: if the file has no such function.
    """
    function = getattr(load_module(path), name, None)
    if not callable(function):
        raise validation.not_accepted(
            field, str(path), f"a .py file with a function {name}"
        )
    return function


def load_module(path: Path) -> ModuleType:
    """Runs a Python file, wherever it is, and returns it as a module.

    Modules beside it can be imported while it runs.
    """
    path = path.resolve()
    # A name that no import finds, whatever the file's is: `types.py`, `my.v2.py`.
    name = f"_acme_moe_file_{zlib.crc32(os.fsencode(path)):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look for their module, when they are made and later.
    sys.modules[name] = module
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
