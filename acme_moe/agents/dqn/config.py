"""Settings of DQN."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe.agents.config import OnlineAgentConfig, set_complete_options
from acme_moe.loss_settings import (
    NO_OPTIONS,
    Munchausen,
    check_double,
    check_value_loss,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(OnlineAgentConfig):
    """Settings of DQN.

    Attributes:
      loss: loss of the temporal-difference error: `squared`, without a half, as in
        Dopamine; `huber`, which clips the error as Mnih et al. (2015) do; with a
        categorical head also `hl_gauss` and `two_hot` (Farebrother et al., 2024), whose
        targets are the same values; with `num_quantiles`, `quantile` (IQN, Dabney et
        al., 2018); or the import path of the user's own
        `loss_settings.ErrorLoss` or, with `num_atoms`, `ClassificationLoss`.
      loss_options: options by name of a loss that is not the library's.
      double: whether the online network selects the target's action.
      munchausen: settings of Munchausen reinforcement learning: the log-policy in the
        reward, and a soft target, for which no action is selected.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    loss: str = "squared"
    loss_options: Mapping[str, Any] = NO_OPTIONS
    double: bool = False
    munchausen: Munchausen = dataclasses.field(default_factory=Munchausen)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value_loss(self.loss, self.network.num_atoms, self.network.num_quantiles)
        set_complete_options(self)
        check_double(self.double, self.munchausen)
