"""The interface of replay that agents, learners and runs use, whichever replay it is.

There are two: a Reverb server, whose `reverb.Client` has these methods, and
`acme_moe.replay.local.LocalReplay`, which is in the process and seeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class SampledItems(NamedTuple):
    """Items that were sampled together.

    Attributes:
      keys: `uint64 [n]`.
      probabilities: `float64 [n]`, the probability with which each was sampled.
      columns: arrays `[n, ...]`, the leaves of the table's signature.
      mass: sum of the weights of all items in the table. Items are sampled in
        proportion to their weights: powers of their priorities, or 1 each if sampling
        is uniform.
    """

    keys: Any
    probabilities: Any
    columns: list[Any]
    mass: float


class TableSettings(NamedTuple):
    """Settings of a table of replay.

    Attributes:
      name: name of the table.
      signature: signature of its items as they are sampled, a nest of
        `dm_env.specs.Array`.
      max_size: largest number of items that are held; the oldest are dropped first.
      min_size: number of items that must be held before any is sampled.
      samples_per_insert: batch size times replay ratio, times the agent steps for each
        item.
      error_buffer: samples by which either side may run ahead of the ratio before it
        has to wait.
      priority_exponent: items are sampled in proportion to this power of their
        priorities, or uniformly if None.
    """

    name: str
    signature: Any
    max_size: int
    min_size: int
    samples_per_insert: float
    error_buffer: float
    priority_exponent: float | None = None


class TrajectoryWriter(Protocol):
    """What adders use of `reverb.TrajectoryWriter`: rows, and items made of rows."""

    @property
    def history(self) -> Any:
        """Columns of the episode's rows; sliced, they are the columns of an item."""

    def append(self, data: Any) -> Any:
        """Appends a row, which may lack columns."""

    def create_item(self, table: str, priority: float, trajectory: Any) -> None:
        """Writes an item, a nest of slices of `history`."""

    def configure(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Sets how a column is sent."""

    def flush(self, block_until_num_items: int = 0) -> None:
        """Waits until replay holds all items but at most `block_until_num_items`."""

    def end_episode(self, clear_buffers: bool = True) -> None:
        """Ends the episode; what was written stays."""

    def close(self) -> None:
        """Ends the writer."""


class TableInfo(Protocol):
    """What is used of a `reverb.TableInfo`."""

    current_size: int


class ReplayClient(Protocol):
    """What is used of a `reverb.Client`."""

    def trajectory_writer(
        self, num_keep_alive_refs: int, *, validate_items: bool = True
    ) -> TrajectoryWriter:
        """Makes a writer whose items span at most `num_keep_alive_refs` rows."""

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities by the items' keys; ignores keys of items that are gone."""

    def server_info(self) -> Mapping[str, TableInfo]:
        """Describes the tables, by their names."""

    def checkpoint(self) -> str:
        """Writes what replay holds to a folder, whose path it returns."""
