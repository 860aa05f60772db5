"""The Acme builder that all agents share.

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
import tree
from acme import core, specs
from acme.adders import base as adders
from acme.agents.jax import actor_core, actors
from acme.jax import variable_utils
from acme.utils import counting, loggers

from acme_moe import learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.config import ValueAgentConfig
from acme_moe.agents.vector_actor import VectorActor
from acme_moe.learning.learner import Learner
from acme_moe.networks import Network, RecurrentNetwork

Config = TypeVar("Config", bound=ValueAgentConfig)
NetworkT = TypeVar("NetworkT", Network, RecurrentNetwork)


class AgentBuilder(abc.ABC, Generic[Config, NetworkT]):
    """Replay, dataset, actor and learner of any agent.

    What an agent's items are, and what its network is, it says itself.

    Attributes:
      config: the settings.
      table: name of the replay table.
      batch_type: named tuple of its items.
    """

    table: ClassVar[str]
    batch_type: ClassVar[Callable[..., Any]]

    def __init__(self, config: Config) -> None:
        """Keeps the settings; nothing is made yet."""
        self.config = config

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
    def make_objective(self, network: NetworkT) -> learning.Objective:
        """What the learner minimises."""

    @abc.abstractmethod
    def make_network(self, environment_spec: specs.EnvironmentSpec) -> NetworkT:
        """The agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """

    @abc.abstractmethod
    def make_adder(
        self,
        replay_client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.EpisodeAdder:
        """What writes the agent's items."""

    @abc.abstractmethod
    def make_policy(
        self,
        networks: NetworkT,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy: decaying with the run, or small and fixed in evaluation."""

    @abc.abstractmethod
    def _signature(self, environment_spec: specs.EnvironmentSpec) -> Any:
        """Of the table's items."""

    @abc.abstractmethod
    def _decode(self, observation_spec: Any, batch: Any) -> Any:
        """Sampled items as the objective takes them; inside the jitted update."""

    def _num_actions(self, environment_spec: specs.EnvironmentSpec) -> int:
        actions = environment_spec.actions
        if not isinstance(actions, specs.DiscreteArray):
            raise ValueError(
                f"action_spec: {actions!r} is not accepted; "
                "a dm_env.specs.DiscreteArray"
            )
        return actions.num_values

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
            return lambda _: jnp.asarray(self.config.evaluation_epsilon)
        in_agent_steps = optax.linear_schedule(
            1.0, self.config.epsilon, self.config.epsilon_decay_steps
        )
        return lambda learner_steps: jnp.asarray(
            in_agent_steps(learner_steps / self.config.replay_ratio)
        )

    def make_actor(
        self,
        random_key: jax.Array,
        policy: actor_core.ActorCore,
        environment_spec: specs.EnvironmentSpec,
        variable_source: core.VariableSource | None = None,
        adder: adders.Adder | None = None,
    ) -> actors.GenericActor:
        """An actor on the CPU; it pulls parameters whenever `update` is called."""
        del environment_spec
        if variable_source is None:
            raise ValueError("variable_source: None is not accepted; a learner")
        client = variable_utils.VariableClient(variable_source, "", device="cpu")
        return actors.GenericActor(policy, random_key, client, adder, backend="cpu")

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

    def make_learner(
        self,
        random_key: jax.Array,
        networks: NetworkT,
        dataset: Iterator[learning.Sample],
        logger_fn: Callable[..., loggers.Logger],
        environment_spec: specs.EnvironmentSpec,
        replay_client: reverb.Client | None = None,
        counter: counting.Counter | None = None,
    ) -> Learner:
        """A learner with Adam and a periodically copied target.

        Raises:
          ValueError: if replay is prioritised and `replay_client` is None.
        """
        priorities = None
        if self.prioritized:
            if replay_client is None:
                raise ValueError(
                    "replay_client: None is not accepted; a reverb.Client, to write "
                    "priorities back"
                )
            priorities = replay.PriorityWriter(replay_client, self.table)
        observation_spec = environment_spec.observations
        init_key, state_key = jax.random.split(random_key)
        blank = tree.map_structure(
            lambda spec: jnp.zeros((1, *spec.shape), spec.dtype), observation_spec
        )
        optimizer = optax.adam(self.config.learning_rate, eps=self.config.adam_epsilon)
        objective = self.make_objective(networks)

        def decoded_objective(
            params: Any,
            target_params: Any,
            key: jax.Array,
            batch: Any,
            probabilities: jax.Array,
        ) -> tuple[jax.Array, learning.ObjectiveOutput]:
            batch = self._decode(observation_spec, batch)
            return objective(params, target_params, key, batch, probabilities)

        return Learner(
            learning.init_training_state(
                networks.init(init_key, blank), optimizer, state_key
            ),
            learning.make_update(
                decoded_objective,
                optimizer,
                target_update_period=self.config.target_update_period_in_updates,
                sgd_steps_per_call=self.config.sgd_steps_per_call,
            ),
            dataset,
            sgd_steps_per_call=self.config.sgd_steps_per_call,
            priorities=priorities,
            counter=counter,
            logger=logger_fn("learner"),
        )
