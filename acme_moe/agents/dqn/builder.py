"""The Acme builder of DQN."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.dqn.config import DQNConfig
from acme_moe.networks import Network


class DQNBuilder(OnlineBuilder[DQNConfig]):
    """DQN: Q-learning from uniformly sampled transitions."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns Q-learning with the configured loss of the error."""
        return learning.q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            loss_options=self.config.loss_options,
            double=self.config.double,
            munchausen=self.config.munchausen,
        )
