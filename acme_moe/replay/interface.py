"""What agents, learners and runs use of a replay, whichever it is.

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
      probabilities: `float64 [n]`, with which each was sampled.
      columns: arrays `[n, ...]`, the leaves of the table's signature.
      mass: sum of the weights of all items in the table, which they are sampled in
        proportion to: the powers of their priorities, or 1 each if sampled uniformly.
    """

    keys: Any
    probabilities: Any
    columns: list[Any]
    mass: float


class TableSettings(NamedTuple):
    """A table of replay.

    Attributes:
      name: of the table.
      signature: of its items as they are sampled, a nest of `dm_env.specs.Array`.
      max_size: items held; the oldest go first.
      min_size: items before the first is sampled.
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
    """What adders use of a `reverb.TrajectoryWriter`: rows, and items of rows."""

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
        """Waits until replay holds all but some of the items."""

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
        """Makes a writer whose items span at most so many rows."""

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities by the items' keys; those of items that are gone go lost."""

    def server_info(self) -> Mapping[str, TableInfo]:
        """Describes the tables, by their names."""

    def checkpoint(self) -> str:
        """Writes what replay holds to a folder, whose path it returns."""
