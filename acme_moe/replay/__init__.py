"""Replay: adders that store frames once, tables, the replay ratio, batches.

It is kept by Reverb's servers, or in the process by `LocalReplay`. Reverb and
TensorFlow are imported only where there are servers.
"""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.replay.adder import EpisodeAdder
from acme_moe.replay.dataset import Prefetcher, make_sample_iterator
from acme_moe.replay.frames import decode_frame_sequences, decode_frames
from acme_moe.replay.interface import ReplayClient, TableSettings
from acme_moe.replay.local import LocalReplay
from acme_moe.replay.n_step_adder import NStepAdder
from acme_moe.replay.priorities import LocalPriorities, PriorityWriter
from acme_moe.replay.sequence_adder import CORE_STATE, SequenceAdder, sequence_signature
from acme_moe.replay.tables import (
    make_table,
    start_server,
    to_tensor_specs,
    without_ratio,
)
from acme_moe.replay.transitions import transition_signature

if TYPE_CHECKING:
    from acme_moe.replay.servers import ReplayServers

__all__ = [
    "CORE_STATE",
    "EpisodeAdder",
    "LocalPriorities",
    "LocalReplay",
    "NStepAdder",
    "Prefetcher",
    "PriorityWriter",
    "ReplayClient",
    "ReplayServers",
    "SequenceAdder",
    "TableSettings",
    "decode_frame_sequences",
    "decode_frames",
    "make_sample_iterator",
    "make_table",
    "sequence_signature",
    "start_server",
    "to_tensor_specs",
    "transition_signature",
    "without_ratio",
]

__getattr__ = lazy.attributes(__name__, {"ReplayServers": "acme_moe.replay.servers"})
