"""The Acme builder that all agents share which act and learn from replay.

It has the methods of `acme.agents.jax.builders.ActorLearnerBuilder` on Acme's main
branch.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import optax
import reverb
from acme import core, specs
from acme.adders import base as adders
from acme.agents.jax import actor_core
from acme.jax import variable_utils

from acme_moe import learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.base import AgentBuilder, NetworkT
from acme_moe.agents.config import ValueAgentConfig
from acme_moe.agents.vector_actor import VectorActor
from acme_moe.learning.learner import PrioritySink

Config = TypeVar("Config", bound=ValueAgentConfig)


class OnlineAgentBuilder(AgentBuilder[Config, NetworkT], Generic[Config, NetworkT]):
    """Replay, dataset, exploration and the actors of an agent.

    What an agent's items are, and what its network is, it says itself.

    Attributes:
      table: name of the replay table.
      batch_type: named tuple of its items.
    """

    table: ClassVar[str]
    batch_type: ClassVar[Callable[..., Any]]

    @property
    def priority_exponent(self) -> float | None:
        """Items are drawn in proportion to this power of their priority.

        None where they are drawn uniformly.
        """
        return None

    @property
    def prioritized(self) -> bool:
        """Whether replay draws items by the priorities that the objective gives."""
        return self.priority_exponent is not None

    @property
    def steps_per_item(self) -> int:
        """Agent steps for each item that is written, in a long episode."""
        return 1

    @abc.abstractmethod
    def make_adder(
        self,
        replay_client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.EpisodeAdder:
        """What writes the agent's items."""

    @abc.abstractmethod
    def _signature(self, environment_spec: specs.EnvironmentSpec) -> Any:
        """Of the table's items."""

    def make_replay_tables(
        self, environment_spec: specs.EnvironmentSpec, policy: Any = None
    ) -> list[reverb.Table]:
        """One table that holds the run to the replay ratio."""
        del policy
        config = self.config
        items = 1 / self.steps_per_item
        min_size = max(1, round(config.min_replay_size * items))
        samples_per_insert = config.batch_size * config.replay_ratio / items
        # Reverb refuses a buffer in which a single insert or sample does not fit;
        # a call of the learner takes sgd_steps_per_call batches at once.
        smallest = max(
            2 * samples_per_insert,
            2.0 * config.batch_size * config.sgd_steps_per_call,
        )
        return [
            replay.make_table(
                self.table,
                self._signature(environment_spec),
                max_size=max(min_size, round(config.max_replay_size * items)),
                min_size=min_size,
                samples_per_insert=samples_per_insert,
                error_buffer=max(
                    smallest,
                    config.samples_per_insert_tolerance * min_size * samples_per_insert,
                ),
                priority_exponent=self.priority_exponent,
            )
        ]

    def make_dataset_iterator(
        self, replay_client: reverb.Client
    ) -> Iterator[learning.Sample]:
        """Batches that are on the learner's device."""
        return replay.make_sample_iterator(
            replay_client,
            table=self.table,
            batch_size=self.config.batch_size * self.config.sgd_steps_per_call,
            batch_type=self.batch_type,
        )

    def _epsilon(self, evaluation: bool) -> policies.EpsilonSchedule:
        """Exploration: decaying with the run, or small and fixed in evaluation."""
        if evaluation:
            return super()._epsilon(evaluation)
        in_agent_steps = optax.linear_schedule(
            1.0, self.config.epsilon, self.config.epsilon_decay_steps
        )
        return lambda learner_steps: jnp.asarray(
            in_agent_steps(learner_steps / self.config.replay_ratio)
        )

    def make_vector_actor(
        self,
        random_key: jax.Array,
        policy: actor_core.ActorCore,
        variable_source: core.VariableSource,
        environment_adders: Sequence[adders.Adder],
    ) -> VectorActor:
        """An actor for several environments, with an adder for each."""
        client = variable_utils.VariableClient(variable_source, "", device="cpu")
        return VectorActor(policy, random_key, client, environment_adders)

    def _make_priority_sink(
        self, replay_client: reverb.Client | None
    ) -> PrioritySink | None:
        """Writes priorities back to replay, where it draws by them."""
        if not self.prioritized:
            return None
        if replay_client is None:
            raise ValueError(
                "replay_client: None is not accepted; a reverb.Client, to write "
                "priorities back"
            )
        return replay.PriorityWriter(replay_client, self.table)
