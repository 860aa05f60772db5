"""Fixed datasets: the DQN Replay Dataset's format, sub-sampling, and recording one."""

from acme_moe.offline.config import DatasetConfig

__all__ = ["DatasetConfig"]
