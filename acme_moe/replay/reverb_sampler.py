"""Items sampled from a Reverb table when they are asked for, and no earlier."""

from __future__ import annotations

import numpy as np
import reverb
from reverb import reverb_types

from acme_moe.replay.interface import SampledItems
from acme_moe.replay.tables import from_tensor_specs
from acme_moe.replay.transitions import Unpacker

# Weight of an item whose priority is zero: where there are no others, Reverb samples
# those uniformly, and their mass is then in proportion to their number.
_MIN_WEIGHT = np.finfo(np.float64).tiny
_KEY = reverb.SampleInfo._fields.index("key")
_PROBABILITY = reverb.SampleInfo._fields.index("probability")


class TableSampler:
    """Samples from one server.

    `reverb.TrajectoryDataset` requests as many items as it may have in flight as soon
    as the ones before are used, so that a whole batch waits in it while another is
    trained on. Here nothing is sampled before it is asked for.
    """

    def __init__(self, client: reverb.Client, info: reverb_types.TableInfo) -> None:
        """Connects at the first call.

        Args:
          client: of the server.
          info: of the table to sample from, as the server describes it.
        """
        self._client = client
        self._table = info.name
        # 0 if items are sampled uniformly, because the message then lacks this field.
        self._exponent = info.sampler_options.prioritized.priority_exponent
        self._unpack = Unpacker(from_tensor_specs(info.signature))

    def __call__(self, size: int) -> SampledItems:
        """Samples `size` items; waits while the server is empty or unreachable.

        Raises:
          RuntimeError: if the server has no such table.
        """
        # Client.sample requests one item at a time, which takes three times as long.
        sampler = self._client._client.NewSampler(self._table, size, size)
        rows = [sampler.GetNextTrajectory() for _ in range(size)]
        info_fields = len(reverb.SampleInfo._fields)
        last = reverb.SampleInfo(*rows[-1][:info_fields])
        weight = max(float(last.priority) ** self._exponent, _MIN_WEIGHT)
        return SampledItems(
            np.fromiter((row[_KEY] for row in rows), np.uint64, size),
            np.fromiter((row[_PROBABILITY] for row in rows), np.float64, size),
            self._unpack([row[info_fields:] for row in rows]),
            weight / float(last.probability),
        )
