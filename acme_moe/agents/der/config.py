"""Settings of data-efficient Rainbow."""

from __future__ import annotations

import dataclasses

from acme_moe.agents.rainbow.config import RainbowConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DERConfig(RainbowConfig):
    """Rainbow's settings with the values of DER (van Hasselt et al., 2019, table 1).

    The attributes are Rainbow's. Where the MoE paper's values differ from the table's,
    the defaults are the MoE paper's.
    """

    replay_ratio: float = 1.0
    min_replay_size: int = 1_600
    n_step: int = 10
    learning_rate: float = 1e-4
    target_update_period: int = 2_000
    epsilon_decay_steps: int = 2_000
