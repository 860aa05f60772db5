"""Reverb replay: tables, the replay ratio, adders that store frames once, datasets."""

from acme_moe.replay.adder import NStepAdder
from acme_moe.replay.dataset import Prefetcher, make_sample_iterator
from acme_moe.replay.episodes import EpisodeAdder
from acme_moe.replay.frames import (
    decode_frame_sequences,
    decode_frames,
    decode_transitions,
)
from acme_moe.replay.priorities import PriorityWriter
from acme_moe.replay.sequences import CORE_STATE, SequenceAdder, sequence_signature
from acme_moe.replay.servers import ReplayServers
from acme_moe.replay.tables import make_table, without_ratio
from acme_moe.replay.transitions import transition_signature

__all__ = [
    "CORE_STATE",
    "EpisodeAdder",
    "NStepAdder",
    "Prefetcher",
    "PriorityWriter",
    "ReplayServers",
    "SequenceAdder",
    "decode_frame_sequences",
    "decode_frames",
    "decode_transitions",
    "make_sample_iterator",
    "make_table",
    "sequence_signature",
    "transition_signature",
    "without_ratio",
]
