"""Settings of the agents that learn from fixed data (table 3 of the paper)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe import validation
from acme_moe.agents.config import AgentConfig, check_categorical, set_complete_options
from acme_moe.loss_settings import (
    C51,
    NO_OPTIONS,
    check_distribution_loss,
    check_value_loss,
)
from acme_moe.networks.settings import NetworkConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineAgentConfig(AgentConfig):
    """Settings of every agent that learns from fixed data.

    Attributes:
      td_weight: weight of the temporal-difference loss.
      conservative_weight: weight of `logsumexp(Q(s, .)) - Q(s, a)`.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    target_update_period: int = 2_000
    td_weight: float = 1.0
    conservative_weight: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("td_weight", "conservative_weight"):
            validation.at_least(name, getattr(self, name), 0)
        if not self.td_weight + self.conservative_weight:
            raise ValueError(
                "conservative_weight: 0.0 is not accepted beside td_weight 0.0; "
                "one of them more than 0"
            )

    def in_updates(self, length: int) -> int:
        """Returns the length: without agent steps, lengths are in updates already."""
        return max(1, length)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CQLConfig(OfflineAgentConfig):
    """Conservative Q-learning on Q-values.

    Attributes:
      loss: loss of the temporal-difference error: `huber`, as in those agents of
        Dopamine's `labs/offline_rl` that have a conservative loss on Q-values,
        `squared`, or the import path of an `acme_moe.loss_settings.ErrorLoss`; with a
        categorical head also `hl_gauss`, `two_hot` and the import path of a
        `ClassificationLoss`, with `num_quantiles` `quantile` instead.
      loss_options: options by name of a loss that is not the library's.
      double: whether the online network selects the target's action.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    learning_rate: float = 5e-5
    adam_epsilon: float = 3.125e-4
    loss: str = "huber"
    loss_options: Mapping[str, Any] = NO_OPTIONS
    double: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value_loss(self.loss, self.network.num_atoms, self.network.num_quantiles)
        set_complete_options(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineDQNConfig(CQLConfig):
    """CQL without its conservative loss; everything else is the same.

    Dopamine's offline DQN differs: `squared`, a learning rate of 6.25e-5 and Adam's
    epsilon of 1.5e-4.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    conservative_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        # Otherwise CQL's config with only the agent's name changed would still be CQL.
        if self.conservative_weight:
            raise validation.not_accepted(
                "conservative_weight", self.conservative_weight, 0.0
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BehaviorCloningConfig(CQLConfig):
    """CQL's conservative loss alone: it fits the softmax of Q to the data's actions.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    td_weight: float = 0.0
    conservative_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.td_weight:
            raise validation.not_accepted("td_weight", self.td_weight, 0.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CQLC51Config(OfflineAgentConfig):
    """Conservative Q-learning on C51's expectations; double Q-learning always.

    Attributes:
      loss: loss of the distributions; see `RainbowConfig`.
      loss_options: see `RainbowConfig`.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    network: NetworkConfig = dataclasses.field(
        default_factory=lambda: NetworkConfig(dueling=True, num_atoms=51)
    )
    n_step: int = 3
    loss: str = C51
    loss_options: Mapping[str, Any] = NO_OPTIONS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_categorical(self.network)
        check_distribution_loss(self.loss)
        set_complete_options(self)
