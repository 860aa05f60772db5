"""The items that agents store in replay and learn from: their base, and transitions.

Those of R2D2, sequences, are in `acme_moe.agents.r2d2.items`. A builder has an instance
of a subclass of `Items`, which makes everything that depends on the kind of item: the
replay table's signature, its adder, the decoding of a sampled batch, and the policy and
probe of the network.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from acme import specs
from acme.agents.jax import actor_core

from acme_moe import diagnostics, learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.config import AgentConfig
from acme_moe.networks import Network, RecurrentNetwork

Config = TypeVar("Config", bound=AgentConfig)
NetworkT = TypeVar("NetworkT", Network, RecurrentNetwork)


class Items(abc.ABC, Generic[Config, NetworkT]):
    """The kind of items of an agent.

    Attributes:
      table: name of the replay table.
      batch_type: named tuple of a batch.
    """

    table: ClassVar[str]
    batch_type: ClassVar[Callable[..., Any]]

    def __init__(self, config: Config) -> None:
        """Takes the agent's settings."""
        self._config = config

    @property
    def steps_per_item(self) -> int:
        """Agent steps for each item that is written, in a long episode."""
        return 1

    @abc.abstractmethod
    def make_policy(
        self,
        network: NetworkT,
        epsilon: policies.EpsilonSchedule,
        *,
        evaluation: bool,
        prioritized: bool,
    ) -> actor_core.ActorCore:
        """Makes an epsilon-greedy policy.

        Args:
          network: the agent's network.
          epsilon: exploration as a function of the learner's step count.
          evaluation: switches the network's own noise off.
          prioritized: whether the extras carry the priority of new items to the adder.
        """

    @abc.abstractmethod
    def make_probe(self, network: NetworkT) -> diagnostics.Probe:
        """Makes a probe of the network on a batch of items."""

    @abc.abstractmethod
    def make_adder(
        self,
        replay_client: replay.ReplayClient,
        environment_spec: specs.EnvironmentSpec,
    ) -> replay.EpisodeAdder:
        """Makes the adder that writes the items of one environment."""

    @abc.abstractmethod
    def signature(
        self, environment_spec: specs.EnvironmentSpec, network: NetworkT
    ) -> Any:
        """Returns the signature of a table of such items."""

    @abc.abstractmethod
    def decode(self, observation_spec: Any, batch: Any) -> Any:
        """Decodes sampled items for the objective, inside the jitted update."""


class Transitions(Items[AgentConfig, Network]):
    """n-step transitions, for networks of single observations."""

    table = "transitions"
    batch_type = learning.Transition

    def make_policy(
        self,
        network: Network,
        epsilon: policies.EpsilonSchedule,
        *,
        evaluation: bool,
        prioritized: bool,
    ) -> actor_core.ActorCore:
        """Makes an epsilon-greedy policy."""
        return policies.epsilon_greedy(
            network, epsilon, evaluation=evaluation, prioritized=prioritized
        )

    def make_probe(self, network: Network) -> diagnostics.Probe:
        """Makes a probe of the observations in which the actions were taken."""
        return diagnostics.transition_probe(network)

    def make_adder(
        self,
        replay_client: replay.ReplayClient,
        environment_spec: specs.EnvironmentSpec,
    ) -> replay.NStepAdder:
        """Makes an adder of n-step transitions with clipped rewards."""
        return replay.NStepAdder(
            replay_client,
            environment_spec,
            table=self.table,
            n_step=self._config.n_step,
            discount=self._config.discount,
            max_abs_reward=self._config.max_abs_reward,
        )

    def signature(
        self, environment_spec: specs.EnvironmentSpec, network: Network
    ) -> learning.Transition:
        """Returns the signature of a table of transitions."""
        del network
        return replay.transition_signature(environment_spec)

    def decode(self, observation_spec: Any, batch: Any) -> learning.Transition:
        """Stacks the transitions' frames."""
        return batch._replace(
            observation=replay.decode_frames(observation_spec, batch.observation),
            next_observation=replay.decode_frames(
                observation_spec, batch.next_observation
            ),
        )
