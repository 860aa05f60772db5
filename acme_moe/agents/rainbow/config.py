"""Settings of Rainbow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe.agents.config import (
    OnlineAgentConfig,
    check_categorical,
    set_complete_options,
)
from acme_moe.loss_settings import C51, NO_OPTIONS, check_distribution_loss
from acme_moe.networks.settings import NetworkConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class RainbowConfig(OnlineAgentConfig):
    """Settings of Rainbow, which always uses double Q-learning.

    Attributes:
      network: with a categorical head.
      loss: `c51`, the cross-entropy to the projected distribution of the target; or a
        loss to the target's mean, spread over the atoms: `hl_gauss` or `two_hot`
        (Farebrother et al., 2024), or the import path of an
        `loss_settings.ClassificationLoss`.
      loss_options: options by name of a loss that is not the library's.
      prioritized: whether transitions are sampled in proportion to the square roots of
        their losses (Schaul et al., 2016), or uniformly.
      shared_target_noise: whether all targets of a batch share one draw of the noisy
        layers' noise, the same in the selecting and the evaluating network, as in the
        paper's implementation; if not, each example and network has its own.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    network: NetworkConfig = dataclasses.field(
        default_factory=lambda: NetworkConfig(dueling=True, noisy=True, num_atoms=51)
    )
    n_step: int = 3
    loss: str = C51
    loss_options: Mapping[str, Any] = NO_OPTIONS
    prioritized: bool = True
    shared_target_noise: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_categorical(self.network)
        check_distribution_loss(self.loss)
        set_complete_options(self)
