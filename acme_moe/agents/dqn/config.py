"""Settings of DQN."""

from __future__ import annotations

import dataclasses

from acme_moe import validation
from acme_moe.agents.config import ValueAgentConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(ValueAgentConfig):
    """Settings of DQN.

    Attributes:
      loss: of the temporal-difference error: `squared`, without a half, as Dopamine
        has it, or `huber`, as Mnih et al. (2015) clip the error.
      double: whether the online network selects the target's action.
    """

    loss: str = "squared"
    double: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.one_of("loss", self.loss, ("huber", "squared"))
