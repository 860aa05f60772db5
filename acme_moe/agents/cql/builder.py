"""The Acme builders of CQL and CQL+C51."""

from __future__ import annotations

from typing import Any, TypeVar

from acme import specs
from acme.agents.jax import actor_core

from acme_moe import diagnostics, learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.base import AgentBuilder
from acme_moe.agents.cql.config import CQLC51Config, CQLConfig, OfflineAgentConfig
from acme_moe.networks import Network, make_network

Config = TypeVar("Config", bound=OfflineAgentConfig)


class OfflineAgentBuilder(AgentBuilder[Config, Network]):
    """An agent that learns from a fixed set of transitions."""

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> Network:
        """The agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """
        return make_network(self.config.network, self._num_actions(environment_spec))

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

    def make_probe(self, networks: Network) -> diagnostics.Probe:
        """Looks where the transitions' actions were taken."""
        return diagnostics.transition_probe(networks)

    def _decode(self, observation_spec: Any, batch: Any) -> learning.Transition:
        return replay.decode_transitions(observation_spec, batch)


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
