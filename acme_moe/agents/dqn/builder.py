"""The Acme builder of DQN."""

from __future__ import annotations

from typing import TypeVar

from acme_moe import learning
from acme_moe.agents.builder import ValueAgentBuilder
from acme_moe.agents.dqn.config import DQNConfig
from acme_moe.networks import Network

Config = TypeVar("Config", bound=DQNConfig)


class QLearningBuilder(ValueAgentBuilder[Config]):
    """Everything is the shared builder's but the objective."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Q-learning with the configured loss of the error."""
        return learning.q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            double=self.config.double,
        )


class DQNBuilder(QLearningBuilder[DQNConfig]):
    """DQN."""
