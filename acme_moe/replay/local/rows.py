"""A growing array of rows that are freed when nothing refers to them."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence

import numpy as np

ZEROS = 0
"""Number of the row of zeros; every row that is all zeros is stored as this one."""

_FIRST_CAPACITY = 1024


class Rows:
    """The values of one column, each held once however many items refer to it.

    When its last reference is dropped, a row is freed and its place is reused.

    Memory is taken as rows are written. It is never copied when the array grows: the
    kernel maps it elsewhere.
    """

    def __init__(self, shape: Sequence[int], dtype: np.dtype) -> None:
        """Makes the row of zeros.

        Args:
          shape: of a row.
          dtype: of a row.
        """
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._row_bytes = max(1, self.dtype.itemsize * int(np.prod(self.shape)))
        self._memory = mmap.mmap(
            -1,
            _FIRST_CAPACITY * self._row_bytes,
            flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
        )
        self._rows: np.ndarray = self._view(_FIRST_CAPACITY)
        # The row of zeros is never freed.
        self._references = [1]
        # Rows without references; None if they have to be searched for.
        self._free: list[int] | None = []

    def _view(self, capacity: int) -> np.ndarray:
        return np.ndarray((capacity, *self.shape), self.dtype, buffer=self._memory)

    def __len__(self) -> int:
        """Returns the number of rows that were ever in use at once."""
        return len(self._references)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows that were ever in use at once."""
        return len(self) * self._row_bytes

    def put(self, value: np.ndarray) -> int:
        """Stores a row with one reference; returns its number.

        Raises:
          ValueError: if it has another shape.
        """
        if value.shape != self.shape:
            raise ValueError(f"row: {value.shape} is not accepted; {self.shape}")
        if not value.any():
            self._references[ZEROS] += 1
            return ZEROS
        if self._free is None:
            self._free = [i for i, count in enumerate(self._references) if not count]
        if self._free:
            row = self._free.pop()
            self._references[row] = 1
        else:
            row = len(self._references)
            if row == len(self._rows):
                self._grow(2 * row)
            self._references.append(1)
        self._rows[row] = value
        return row

    def _grow(self, capacity: int) -> None:
        del self._rows  # Or the memory could not be moved.
        self._memory.resize(capacity * self._row_bytes)
        self._rows = self._view(capacity)

    def refer(self, rows: Iterable[int]) -> None:
        """Adds a reference to each row."""
        references = self._references
        for row in rows:
            references[row] += 1

    def release(self, rows: Iterable[int]) -> None:
        """Drops a reference to each row."""
        references = self._references
        for row in rows:
            references[row] -= 1
            if not references[row] and self._free is not None:
                self._free.append(row)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Copies rows.

        Args:
          rows: numbers of rows, `[...]`.

        Returns:
          An array `[..., *shape]`.
        """
        return self._rows.take(rows, axis=0)

    def save(self) -> np.ndarray:
        """Returns all rows as `uint8 [rows, bytes]`, a view that must not be kept."""
        return np.ndarray((len(self), self._row_bytes), np.uint8, buffer=self._memory)

    def restore(self, saved: np.ndarray, references: np.ndarray) -> None:
        """Takes rows as `save` returned them.

        Args:
          saved: the rows.
          references: number of references to each row, `int [rows]`.

        Raises:
          ValueError: if the rows are not of this shape, or the first is not all zeros.
        """
        if saved.dtype != np.uint8 or saved.shape[1:] != (self._row_bytes,):
            raise ValueError(f"rows: {saved.shape} are not accepted; {self.shape}")
        if not len(saved) or saved[ZEROS].any():
            raise ValueError("rows: the first is not accepted; zeros")
        if len(saved) > len(self._rows):
            self._grow(len(saved))
        self._references = references.tolist()
        self._references[ZEROS] += 1
        self.save()[:] = saved
        # Writers that are restored may still refer to some.
        self._free = None
