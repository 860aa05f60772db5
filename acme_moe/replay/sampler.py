"""Items sampled from a Reverb table when they are asked for, and no earlier."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import reverb
from reverb import reverb_types

# Weight of an item whose priority is zero: where there are no others, Reverb samples
# those uniformly, and their mass is then in proportion to their number.
_MIN_WEIGHT = np.finfo(np.float64).tiny


class SampledItems(NamedTuple):
    """Items that were sampled together.

    Attributes:
      keys: `uint64 [n]`.
      probabilities: `float64 [n]`, with which each was sampled.
      columns: arrays `[n, ...]`, the leaves of the table's signature.
      mass: sum of the weights of all items in the table, which they are sampled in
        proportion to: the powers of their priorities, or 1 each if sampled uniformly.
    """

    keys: np.ndarray
    probabilities: np.ndarray
    columns: list[np.ndarray]
    mass: float


def weight_exponent(table: reverb_types.TableInfo) -> float:
    """Returns the power of their priorities by which a table's items are sampled.

    Args:
      table: as `reverb.Client.server_info` describes it.

    Returns:
      The exponent, 0 if the items are uniformly sampled.
    """
    options = table.sampler_options
    if options.HasField("prioritized"):
        return float(options.prioritized.priority_exponent)
    return 0.0


class TableSampler:
    """Samples from one server.

    `reverb.TrajectoryDataset` requests as many items as it may have in flight as soon
    as the ones before are used, so that a whole batch waits in it while another is
    trained on. Here nothing is sampled before it is asked for.
    """

    def __init__(self, client: reverb.Client, table: str, exponent: float) -> None:
        """Connects at the first call.

        Args:
          client: of the server.
          table: to sample from.
          exponent: see `weight_exponent`.
        """
        self._client = client
        self._table = table
        self._exponent = exponent

    def __call__(self, size: int) -> SampledItems:
        """Samples `size` items; waits while the server is empty or unreachable.

        Raises:
          RuntimeError: if the server has no such table.
        """
        # Client.sample requests one item at a time, which takes three times as long.
        sampler = self._client._client.NewSampler(self._table, size, size)
        rows = [sampler.GetNextTrajectory() for _ in range(size)]
        columns = [np.stack(values) for values in zip(*rows, strict=True)]
        fields = reverb.SampleInfo._fields
        info = reverb.SampleInfo(*columns[: len(fields)])
        weight = max(float(info.priority[-1]) ** self._exponent, _MIN_WEIGHT)
        return SampledItems(
            info.key,
            info.probability,
            columns[len(fields) :],
            weight / float(info.probability[-1]),
        )
