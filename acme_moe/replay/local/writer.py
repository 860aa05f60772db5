"""Writes an episode's rows, and items of them, to a replay in the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tree

from acme_moe.replay.local.rows import Rows
from acme_moe.replay.local.table import ItemColumn, Table

_ABSENT = -1


class _Column:
    """A column of the episode's rows; sliced, it is a column of an item."""

    def __init__(self, name: str, rows: Rows, absent: int) -> None:
        self.name = name
        self.rows = rows
        # Numbers of the episode's latest rows.
        self.numbers = [_ABSENT] * absent

    def __getitem__(self, which: int | slice) -> ItemColumn:
        numbers = self.numbers[which]
        missing = _ABSENT in numbers if isinstance(numbers, list) else numbers < 0
        if missing:
            raise ValueError(f"{self.name}: {which!r} is not accepted; rows that exist")
        return ItemColumn(self.name, numbers)

    def release(self, count: int) -> None:
        self.rows.release(x for x in self.numbers[:count] if x != _ABSENT)
        del self.numbers[:count]


class LocalWriter:
    """A `TrajectoryWriter` of `replay.interface` that writes to a `Table`.

    Attributes:
      history: nests of the columns of the episode's rows.
    """

    def __init__(self, table: Table, rows_kept: int) -> None:
        """Starts an episode.

        Args:
          table: to write to.
          rows_kept: rows that an item can span.
        """
        self.history: dict[str, Any] = {}
        self._table = table
        self._rows_kept = rows_kept
        self._columns: dict[str, list[_Column]] = {}
        self._rows = 0

    def append(self, data: dict[str, Any]) -> None:
        """Appends a row, which may lack columns."""
        if self._rows >= 2 * self._rows_kept:
            self._release(self._rows_kept)
        for name, value in data.items():
            leaves = [np.asarray(leaf) for leaf in tree.flatten(value)]
            if name not in self._columns:
                self._add_columns(name, value, leaves)
            for column, leaf in zip(self._columns[name], leaves, strict=True):
                column.numbers.append(column.rows.put(leaf))
        self._rows += 1
        if len(data) < len(self._columns):
            for name in self._columns.keys() - data.keys():
                for column in self._columns[name]:
                    column.numbers.append(_ABSENT)

    def _add_columns(self, name: str, value: Any, leaves: list[np.ndarray]) -> None:
        columns = []
        for i, leaf in enumerate(leaves):
            full_name = f"{name}/{i}"
            rows = self._table.columns.get(full_name)
            if rows is None:
                rows = self._table.columns[full_name] = Rows(leaf.shape, leaf.dtype)
            columns.append(_Column(full_name, rows, absent=self._rows))
        self._columns[name] = columns
        self.history[name] = tree.unflatten_as(value, columns)

    def create_item(self, table: str, priority: float, trajectory: Any) -> None:
        """Writes an item, a nest of slices of `history`."""
        del table
        self._table.insert(priority, tree.flatten(trajectory))

    def state(self) -> dict[str, list[list[int]]]:
        """Returns the episode's rows by their numbers, which can be written as JSON."""
        return {
            name: [column.numbers for column in columns]
            for name, columns in self._columns.items()
        }

    def restore(
        self, state: Mapping[str, list[list[int]]], structures: Mapping[str, Any]
    ) -> None:
        """Takes what `state` returned, once the table is restored.

        Args:
          state: the episode's rows.
          structures: nests of the values in a row, by name. If a name has none, its
            columns become a list, unless there is only one.

        Raises:
          ValueError: if the table does not have such rows.
        """
        for name, of_columns in state.items():
            columns = []
            for i, numbers in enumerate(of_columns):
                full_name = f"{name}/{i}"
                rows = self._table.columns.get(full_name)
                if rows is None or not all(_ABSENT <= x < len(rows) for x in numbers):
                    raise ValueError(f"writer: refers to rows that {full_name} lacks")
                column = _Column(full_name, rows, absent=0)
                column.numbers = numbers
                rows.refer(x for x in numbers if x != _ABSENT)
                columns.append(column)
                self._rows = len(numbers)
            self._columns[name] = columns
            structure = structures.get(name, columns if len(columns) > 1 else None)
            self.history[name] = tree.unflatten_as(structure, columns)

    def configure(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Does nothing: rows are not sent anywhere."""

    def flush(self, block_until_num_items: int = 0) -> None:
        """Does nothing: an item is there as soon as it is written."""

    def end_episode(self, clear_buffers: bool = True) -> None:
        """Ends the episode; what was written stays."""
        del clear_buffers
        self._release(self._rows)

    def _release(self, count: int) -> None:
        """Lets go of the oldest rows."""
        for columns in self._columns.values():
            for column in columns:
                column.release(count)
        self._rows -= count

    def close(self) -> None:
        """Ends the episode."""
        self.end_episode()
