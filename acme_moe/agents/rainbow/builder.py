"""The Acme builder of Rainbow."""

from __future__ import annotations

from typing import TypeVar

from acme_moe import learning
from acme_moe.agents.builder import ValueAgentBuilder
from acme_moe.agents.rainbow.config import RainbowConfig
from acme_moe.networks import Network

Config = TypeVar("Config", bound=RainbowConfig)


class RainbowBuilder(ValueAgentBuilder[Config]):
    """Rainbow: C51 and prioritised replay; the rest is the network's and shared."""

    @property
    def priority_exponent(self) -> float | None:
        """Priorities are roots of losses already, and are used as they are."""
        return 1.0 if self.config.prioritized else None

    def make_objective(self, network: Network) -> learning.Objective:
        """Cross-entropy to the projected target of double Q-learning."""
        return learning.categorical_q_learning(
            network,
            discount=self.config.discount,
            shared_target_noise=self.config.shared_target_noise,
        )
