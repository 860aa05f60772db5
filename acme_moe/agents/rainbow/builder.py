"""The Acme builder of Rainbow, and of DER, which is Rainbow with other settings."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.rainbow.config import RainbowConfig
from acme_moe.networks import Network


class RainbowBuilder(OnlineBuilder[RainbowConfig]):
    """Rainbow: C51 and prioritised replay; the rest is in the network or shared."""

    @property
    def priority_exponent(self) -> float | None:
        """1, as priorities are roots of losses already; None if not prioritised."""
        return 1.0 if self.config.prioritized else None

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns the cross-entropy to the target of double Q-learning."""
        return learning.categorical_q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            loss_options=self.config.loss_options,
            shared_target_noise=self.config.shared_target_noise,
        )
