"""Settings of where a run's replay is kept."""

from __future__ import annotations

import dataclasses

from acme_moe import validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Settings of replay that are the run's, not the agent's.

    Attributes:
      seeded: whether replay is kept in the process and sampled by the run's seed, so
        that two runs with one seed are the same; otherwise a Reverb server keeps it,
        whose samples do not depend on a seed.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    seeded: bool = False

    def __post_init__(self) -> None:
        validation.check_types(self)
