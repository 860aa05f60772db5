"""Settings of DQN."""

from __future__ import annotations

import dataclasses

from acme_moe.agents.config import ValueAgentConfig
from acme_moe.error_losses import check_value_loss


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(ValueAgentConfig):
    """Settings of DQN.

    Attributes:
      loss: of the temporal-difference error: `squared`, without a half, as Dopamine
        has it, or `huber`, as Mnih et al. (2015) clip the error; with a categorical
        head also `hl_gauss` and `two_hot` (Farebrother et al., 2024), whose targets
        are the same values; or the import path of a function of one's own,
        `float32 [B] -> [B]`.
      double: whether the online network selects the target's action.
    """

    loss: str = "squared"
    double: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value_loss(self.loss, self.network.num_atoms)
