"""Settings of where a run's replay is kept."""

from __future__ import annotations

import dataclasses

from acme_moe import validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Settings of replay, beside those that an agent has.

    Attributes:
      seeded: whether replay is kept in the process and sampled as the run's seed says,
        so that two runs of one seed are the same; otherwise it is kept by a Reverb
        server, whose samples no seed decides.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    seeded: bool = False

    def __post_init__(self) -> None:
        validation.check_types(self)
