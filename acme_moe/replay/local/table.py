"""The items of a replay in the process: a ring of references to rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tree

from acme_moe.replay.interface import SampledItems, TableSettings
from acme_moe.replay.local.rows import Rows
from acme_moe.replay.local.sum_tree import SumTree
from acme_moe.replay.transitions import Unpacker, first_and_last


@dataclasses.dataclass(slots=True)
class ItemColumn:
    """A column of an item.

    Attributes:
      name: name of the table's column that the rows belong to.
      rows: the rows' numbers; or the number of a single row, without an axis of rows.
    """

    name: str
    rows: list[int] | int


class Table:
    """Items, the oldest of which make room for new ones, sampled by a generator.

    An item is a few arrays of row numbers, and a batch takes as many gathers. An item's
    key is its number, counted from the first item that was ever written.

    Attributes:
      settings: settings of the table.
      columns: the rows, by the names of their columns.
    """

    def __init__(self, settings: TableSettings, rng: np.random.Generator) -> None:
        """Makes an empty table.

        Args:
          settings: settings of the table; keeping its rates is left to the caller.
          rng: random generator of the samples.
        """
        self.settings = settings
        self.columns: dict[str, Rows] = {}
        self._rng = rng
        self._written = 0
        # For each array of an item: the name of its column, and row numbers of all
        # items, `int32 [max_size, ...]`.
        self._names: list[str] = []
        self._items: list[np.ndarray] = []
        self._unpacker = Unpacker(settings.signature)
        self._packed = False
        self._exponent = settings.priority_exponent or 0.0
        self._tree = None
        if settings.priority_exponent is not None:
            self._tree = SumTree(settings.max_size)

    def __len__(self) -> int:
        """Returns the number of items held."""
        return min(self._written, self.settings.max_size)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is held."""
        per_item = sum(item[:1].nbytes for item in self._items)
        if self._tree is not None:
            per_item += self._tree.weights.itemsize
        return len(self) * per_item + sum(x.nbytes for x in self.columns.values())

    def insert(self, priority: float, columns: Sequence[ItemColumn]) -> None:
        """Writes an item in place of the oldest, if there is no room.

        Args:
          priority: of the item.
          columns: of the item.

        Raises:
          ValueError: if it spans another number of rows than the items before.
        """
        if self._unpacker.is_packed(len(columns)):
            self._packed = True
            columns = self._split(columns)
        if not self._items:
            self._names = [column.name for column in columns]
            self._items = [
                np.zeros((self.settings.max_size, *np.shape(x.rows)), np.int32)
                for x in columns
            ]
        for column, item in zip(columns, self._items, strict=True):
            rows = column.rows
            # Runs at every agent step: `np.shape` would convert the list to an array.
            shape = () if isinstance(rows, int) else (len(rows),)
            if shape != item.shape[1:]:
                raise ValueError(
                    f"rows: {shape} of {column.name!r} are not accepted; "
                    f"{item.shape[1:]}, as in the items before"
                )
        place = self._written % self.settings.max_size
        full = self._written >= self.settings.max_size
        for column, item in zip(columns, self._items, strict=True):
            rows, held = column.rows, self.columns[column.name]
            held.refer((rows,) if isinstance(rows, int) else rows)
            if full:
                held.release(item[place].reshape(-1).tolist())
            item[place] = rows
        if self._tree is not None:
            self._tree.set_one(place, priority**self._exponent)
        self._written += 1

    def _check_sample(self) -> None:
        """Refuses items that do not match the signature; advances the generator."""
        specs = tree.flatten(self.settings.signature)
        for spec, array in zip(specs, self.sample(1).columns, strict=True):
            if array.shape[1:] != spec.shape or array.dtype != spec.dtype:
                raise ValueError(f"items: {array.shape[1:]} are not accepted; {spec}")

    def _split(self, columns: Sequence[ItemColumn]) -> list[ItemColumn]:
        """Splits a transition's columns: first observation, step, last observation.

        The rows between the two observations are left out.
        """
        *observations, step = columns
        starts, ends = [], []
        for spec, column in zip(self._unpacker.observation, observations, strict=True):
            axes = 1 + len(self.columns[column.name].shape)
            start, end = first_and_last(spec, column.rows, axes)
            starts.append(ItemColumn(column.name, start))
            ends.append(ItemColumn(column.name, end))
        return [*starts, step, *ends]

    def sample(self, size: int) -> SampledItems:
        """Samples `size` items with replacement.

        Raises:
          RuntimeError: if there are none.
        """
        held = len(self)
        if not held:
            raise RuntimeError(
                f"replay: nothing can be sampled; {self.settings.name} has no items yet"
            )
        total = 0.0 if self._tree is None else self._tree.total
        if self._tree is None or not total:
            # Where all priorities are zero Reverb samples uniformly, too.
            places = self._rng.integers(held, size=size)
            probabilities, mass = np.full(size, 1 / held), float(held)
        else:
            places = self._tree.find(total * self._rng.random(size))
            probabilities, mass = self._tree.weights[places] / total, total
        gathered = [
            self.columns[name].gather(item[places])
            for name, item in zip(self._names, self._items, strict=True)
        ]
        if self._packed:
            step = len(self._unpacker.observation)
            gathered[step : step + 1] = self._unpacker.unpack_steps(gathered[step])
        last = self._written - 1
        keys = last - (last - places) % self.settings.max_size
        return SampledItems(keys.astype(np.uint64), probabilities, gathered, mass)

    def set_priorities(self, keys: np.ndarray, priorities: np.ndarray) -> None:
        """Sets priorities; ignores keys of items that are gone.

        Args:
          keys: `uint64 [n]`; if a key occurs twice, its last priority counts.
          priorities: `[n]`.
        """
        if self._tree is None:
            return
        numbers = keys.astype(np.int64)
        held = (numbers >= self._written - len(self)) & (numbers < self._written)
        places = numbers[held] % self.settings.max_size
        self._tree.set(places, priorities[held].astype(np.float64) ** self._exponent)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns all that is held.

        Returns:
          A description that can be written as JSON; and arrays by name, views that must
          not be kept.
        """
        held = len(self)
        arrays = {f"item/{i}": item[:held] for i, item in enumerate(self._items)}
        if self._tree is not None:
            arrays["weights"] = self._tree.weights[:held]
        for name, rows in self.columns.items():
            arrays[f"rows/{name}"] = rows.save()
        description = {
            "written": self._written,
            "packed": self._packed,
            "item_columns": self._names,
            "columns": {
                name: [rows.dtype.name, list(rows.shape)]
                for name, rows in self.columns.items()
            },
            "generator": self._rng.bit_generator.state,
        }
        return description, arrays

    def restore(
        self, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> None:
        """Takes what `state` returned, into a table that is empty.

        Raises:
          ValueError: if it is not what a table of these settings holds.
          KeyError: if something is missing.
        """
        self._written = int(description["written"])
        self._packed = bool(description["packed"])
        self._names = [str(name) for name in description["item_columns"]]
        held = len(self)
        if self._written < 0 or set(self._names) - description["columns"].keys():
            raise ValueError("items: are of columns that are not there")
        items = [arrays[f"item/{i}"] for i in range(len(self._names))]
        for name, (dtype, shape) in description["columns"].items():
            saved = arrays[f"rows/{name}"]
            references = np.zeros(len(saved), np.int64)
            for item in (
                x for x, y in zip(items, self._names, strict=True) if y == name
            ):
                if item.dtype != np.int32 or len(item) != held:
                    raise ValueError(f"items: {item.shape} are not accepted; {held}")
                if item.size and not 0 <= item.min() <= item.max() < len(saved):
                    raise ValueError(f"items: refer to rows that {name} lacks")
                references += np.bincount(item.reshape(-1), minlength=len(saved))
            self.columns[name] = Rows(shape, np.dtype(dtype))
            self.columns[name].restore(saved, references)
        for item in items:
            self._items.append(
                np.zeros((self.settings.max_size, *item.shape[1:]), np.int32)
            )
            self._items[-1][:held] = item
        if self._tree is not None:
            weights = arrays["weights"].astype(np.float64)
            if not (weights >= 0).all() or not np.isfinite(weights.sum()):
                raise ValueError("weights: are not accepted; finite, at least 0")
            self._tree.set(np.arange(held), weights)
        if held:
            self._check_sample()
        self._rng.bit_generator.state = description["generator"]
