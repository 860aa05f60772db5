"""Settings of a fixed dataset."""

from __future__ import annotations

import dataclasses

from acme_moe import validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Settings of the transitions that an offline run learns from.

    Attributes:
      path: folder of one game and run of the DQN Replay Dataset (see
        `acme_moe.offline.reader`), local, or with a scheme that TensorFlow's file
        system knows, such as `gs://`.
      fraction: share of the set's transitions that is uniformly sampled, without
        replacement.
      seed: seed of that sample; the same seed gives the same transitions in every run.
      num_files: exact number of files that the set must have; 0 takes the files that
        are there, numbered from 0 without gaps. A published set has 50 or 51.
      workers: files that are read at once, each in a thread; also the threads that
        unpack frames for batches.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    path: str = ""
    fraction: float = 0.05
    seed: int = 0
    num_files: int = 0
    workers: int = 2

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.above("fraction", self.fraction, 0)
        validation.between("fraction", self.fraction, 0, 1)
        for name in ("seed", "num_files"):
            validation.at_least(name, getattr(self, name), 0)
        validation.at_least("workers", self.workers, 1)
