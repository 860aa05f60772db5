"""Items drawn from a Reverb table when they are asked for, and no earlier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import reverb
from reverb import reverb_types

# Weight of an item whose priority is zero: where there are no others, Reverb draws
# those uniformly, and their mass is then in proportion to their number.
_LEAST_WEIGHT = np.finfo(np.float64).tiny


class Draw(NamedTuple):
    """Items that were drawn together.

    Attributes:
      keys: `uint64 [n]`.
      probabilities: `float64 [n]`, with which each was drawn.
      columns: arrays `[n, ...]`, the leaves of the table's signature.
      mass: sum over the whole table of what items are drawn in proportion to: of the
        powers of their priorities, or their number where they are drawn uniformly.
    """

    keys: np.ndarray
    probabilities: np.ndarray
    columns: list[np.ndarray]
    mass: float


def weight_exponent(table: reverb_types.TableInfo) -> float:
    """Returns the power of their priorities by which a table's items are drawn.

    Args:
      table: as `reverb.Client.server_info` describes it.

    Returns:
      The exponent, 0 where the items are drawn uniformly.
    """
    options = table.sampler_options
    if options.HasField("prioritized"):
        return float(options.prioritized.priority_exponent)
    return 0.0


class TableSampler:
    """Draws from one server.

    `reverb.TrajectoryDataset` asks for as many items as it may have under way as soon
    as the ones before are used, so that a whole batch waits in it while another is
    trained on. Here nothing is drawn before it is asked for.
    """

    def __init__(self, client: reverb.Client, table: str, exponent: float) -> None:
        """Keeps what is needed to draw.

        Args:
          client: of the server.
          table: to draw from.
          exponent: see `weight_exponent`.
        """
        self._client = client
        self._table = table
        self._exponent = exponent

    def __call__(self, size: int) -> Draw:
        """Draws `size` items; waits while the server is empty, or away.

        Raises:
          RuntimeError: if the server has no such table.
        """
        # Client.sample asks for an item at a time, which takes three times as long.
        sampler = self._client._client.NewSampler(self._table, size, size)
        rows = [sampler.GetNextTrajectory() for _ in range(size)]
        columns = [np.stack(values) for values in zip(*rows, strict=True)]
        fields = reverb.SampleInfo._fields
        info = reverb.SampleInfo(*columns[: len(fields)])
        weight = max(float(info.priority[-1]) ** self._exponent, _LEAST_WEIGHT)
        return Draw(
            info.key,
            info.probability,
            columns[len(fields) :],
            weight / float(info.probability[-1]),
        )
