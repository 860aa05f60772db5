"""What agents without a memory have in common, wherever their transitions come from."""

from __future__ import annotations

from typing import Any, Generic

from acme import specs

from acme_moe import diagnostics, learning, replay
from acme_moe.agents.base import AgentBuilder, Config
from acme_moe.networks import Network, make_network


class TransitionAgentBuilder(AgentBuilder[Config, Network], Generic[Config]):
    """An agent that learns from transitions, with a network of single observations."""

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> Network:
        """The agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """
        return make_network(self.config.network, self._num_actions(environment_spec))

    def make_probe(self, networks: Network) -> diagnostics.Probe:
        """Looks where the transitions' actions were taken."""
        return diagnostics.transition_probe(networks)

    def _decode(self, observation_spec: Any, batch: Any) -> learning.Transition:
        return replay.decode_transitions(observation_spec, batch)
