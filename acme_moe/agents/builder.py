"""The Acme builder that the value-based agents share.

It has the methods of `acme.agents.jax.builders.ActorLearnerBuilder` on Acme's main
branch; an agent adds its objective.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

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
from acme_moe.networks import Network, make_network

_TABLE = "transitions"

Config = TypeVar("Config", bound=ValueAgentConfig)


class ValueAgentBuilder(abc.ABC, Generic[Config]):
    """Replay, dataset, adder, actor, policy and learner of a value-based agent."""

    def __init__(self, config: Config) -> None:
        """Keeps the settings; nothing is made yet."""
        self.config = config

    @property
    def prioritized(self) -> bool:
        """Whether replay draws items by the priorities that the objective gives."""
        return False

    @abc.abstractmethod
    def make_objective(self, network: Network) -> learning.Objective:
        """What the learner minimises."""

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> Network:
        """The agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """
        actions = environment_spec.actions
        if not isinstance(actions, specs.DiscreteArray):
            raise ValueError(
                f"action_spec: {actions!r} is not accepted; "
                "a dm_env.specs.DiscreteArray"
            )
        return make_network(self.config.network, actions.num_values)

    def make_replay_tables(
        self, environment_spec: specs.EnvironmentSpec, policy: Any = None
    ) -> list[reverb.Table]:
        """One table that holds the run to the replay ratio."""
        del policy
        samples_per_insert = self.config.batch_size * self.config.replay_ratio
        # Reverb refuses a buffer in which a single insert or sample does not fit;
        # a call of the learner takes sgd_steps_per_call batches at once.
        smallest = max(
            2 * samples_per_insert,
            2.0 * self.config.batch_size * self.config.sgd_steps_per_call,
        )
        return [
            replay.make_table(
                _TABLE,
                environment_spec,
                max_size=self.config.max_replay_size,
                min_size=self.config.min_replay_size,
                samples_per_insert=samples_per_insert,
                error_buffer=max(
                    smallest,
                    self.config.samples_per_insert_tolerance
                    * self.config.min_replay_size
                    * samples_per_insert,
                ),
                prioritized=self.prioritized,
            )
        ]

    def make_dataset_iterator(
        self, replay_client: reverb.Client
    ) -> Iterator[learning.Sample]:
        """Batches whose transitions are on the learner's device."""
        return replay.make_sample_iterator(
            replay_client,
            table=_TABLE,
            batch_size=self.config.batch_size * self.config.sgd_steps_per_call,
        )

    def make_adder(
        self,
        replay_client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.NStepAdder:
        """An adder of n-step transitions with clipped rewards."""
        del policy
        return replay.NStepAdder(
            replay_client,
            environment_spec,
            table=_TABLE,
            n_step=self.config.n_step,
            discount=self.config.discount,
            max_abs_reward=self.config.max_abs_reward,
        )

    def make_policy(
        self,
        networks: Network,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy: decaying with the run, or small and fixed in evaluation."""
        del environment_spec
        return policies.epsilon_greedy(
            networks,
            (lambda _: jnp.asarray(self.config.evaluation_epsilon))
            if evaluation
            else self._epsilon_schedule(),
            evaluation=evaluation,
            prioritized=self.prioritized and not evaluation,
        )

    def _epsilon_schedule(self) -> policies.EpsilonSchedule:
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
        networks: Network,
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
            priorities = replay.PriorityWriter(replay_client, _TABLE)
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
            transitions: learning.Transition,
            probabilities: jax.Array,
        ) -> tuple[jax.Array, learning.ObjectiveOutput]:
            decode = lambda x: replay.decode_frames(observation_spec, x)  # noqa: E731
            transitions = transitions._replace(
                observation=decode(transitions.observation),
                next_observation=decode(transitions.next_observation),
            )
            return objective(params, target_params, key, transitions, probabilities)

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
