"""Rows and columns of the CSV files that a run has written and goes on with."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from acme_moe import files

# Columns of runs from before they had today's names.
_RENAMED = {"actor_steps": "agent_steps"}


def add_columns(path: Path, names: Iterable[str]) -> list[str]:
    """Adds the columns that a CSV file lacks; returns all, in the file's order.

    A resumed run may log more or less than before, such as a mixture's new measure.
    """
    before: list[str] = []
    # Not of a device, whose first line may have no end.
    if path.is_file():
        with path.open(newline="", errors="replace") as file:
            before = next(csv.reader(file), [])
    columns = sorted({*before, *names})
    if before and before != columns:
        rewrite(path, lambda _: True, columns)
    return columns


def rewrite(
    path: Path, keep: Callable[[dict[str, str]], bool], columns: Sequence[str] = ()
) -> list[str]:
    """Drops rows of a CSV file, if there is one, and gives it certain columns.

    Args:
      path: path of the file.
      keep: whether a row stays.
      columns: the columns of the rows to come, in order; empty to keep the file's.
        Columns that only the file has come last.

    Returns:
      All columns; empty if the file is missing or has none yet.
    """
    if not path.exists():
        return []
    # After a crash of the machine the end of a file may be zeros.
    text = path.read_bytes().decode(errors="replace").replace("\0", "")
    reader = csv.reader(io.StringIO(text, newline=""))
    names = [_RENAMED.get(name, name) for name in next(reader, [])]
    rows = [dict(zip(names, row)) for row in reader]  # noqa: B905 - one may be cut
    if not names:
        # Who appends to an empty file writes its columns.
        files.write_text(path, "")
        return []
    rewritten = io.StringIO(newline="")
    writer = csv.DictWriter(rewritten, list(dict.fromkeys([*columns, *names])))
    writer.writeheader()
    # A row that a kill cut short lacks its last fields.
    writer.writerows(row for row in rows if len(row) == len(names) and keep(row))
    files.write_text(path, rewritten.getvalue())
    return list(writer.fieldnames)


def at_most(row: Mapping[str, Any], field: str, limit: int) -> bool:
    """Returns whether a row's field is a number up to a limit."""
    try:
        return float(row.get(field, "nan")) <= limit
    except ValueError:
        return False
