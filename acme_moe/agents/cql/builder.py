"""The Acme builders of CQL and CQL+C51."""

from __future__ import annotations

from typing import TypeVar

from acme import specs
from acme.agents.jax import actor_core

from acme_moe import learning
from acme_moe.agents import policy as policies
from acme_moe.agents.cql.config import CQLC51Config, CQLConfig, OfflineAgentConfig
from acme_moe.agents.transitions import TransitionAgentBuilder
from acme_moe.networks import Network

Config = TypeVar("Config", bound=OfflineAgentConfig)


class OfflineAgentBuilder(TransitionAgentBuilder[Config]):
    """An agent that learns from a fixed set of transitions."""

    def make_policy(
        self,
        networks: Network,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy, for evaluation.

        Raises:
          ValueError: if it is not for evaluation.
        """
        del environment_spec
        return policies.epsilon_greedy(
            networks, self._epsilon(evaluation), evaluation=evaluation
        )

    @property
    def _weights(self) -> learning.LossWeights:
        return learning.LossWeights(
            self.config.td_weight, self.config.conservative_weight
        )


class CQLBuilder(OfflineAgentBuilder[CQLConfig]):
    """CQL, and with other weights offline DQN and behaviour cloning."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Q-learning and the conservative loss."""
        return learning.q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            double=self.config.double,
            weights=self._weights,
        )


class CQLC51Builder(OfflineAgentBuilder[CQLC51Config]):
    """CQL+C51."""

    def make_objective(self, network: Network) -> learning.Objective:
        """C51's cross-entropy and the conservative loss on its expectations."""
        return learning.categorical_q_learning(
            network, discount=self.config.discount, weights=self._weights
        )
