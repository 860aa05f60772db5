"""What a benchmark prints, a row at a time, and the file of its figures."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from absl import flags

_JSON = flags.DEFINE_string("json", None, "File to write the figures to.")


class Table:
    """Rows that are printed as they come."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        """Prints the headings.

        Args:
          columns: by their headings how values are shown, with alignment and width:
            `<12` or `>9.1f`.
        """
        self._formats = list(columns.values())
        self._blank = re.findall(r"[<>]\d+", " ".join(self._formats))
        self._print(map(format, columns, self._blank))

    def add(self, *values: Any) -> None:
        """Prints a row; what is None is left blank."""
        self._print(
            format("", blank) if value is None else format(value, shown)
            for value, shown, blank in zip(
                values, self._formats, self._blank, strict=True
            )
        )

    def _print(self, cells: Iterable[str]) -> None:
        print("".join(cells).rstrip(), flush=True)


def write_json(figures: Any) -> None:
    """Writes the figures to the file of `--json`, dataclasses as objects."""
    if _JSON.value:
        text = json.dumps(figures, indent=2, default=dataclasses.asdict)
        Path(_JSON.value).write_text(text + "\n")
