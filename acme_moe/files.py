"""Text files that are replaced whole, and the ends of logs."""

from __future__ import annotations

import collections
import json
import os
from pathlib import Path
from typing import Any

UNFINISHED = ".unfinished"
"""Ending of what is being written, and is renamed when it is complete."""


def write_text(path: Path, text: str) -> None:
    """Replaces a file at once: a reader sees the old text or the new one, whole."""
    temporary = path.with_name(path.name + UNFINISHED)
    temporary.write_text(text)
    os.replace(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Replaces a file at once by a value in JSON, indented."""
    write_text(path, json.dumps(value, indent=2) + "\n")


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
