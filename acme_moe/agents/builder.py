"""The Acme builders that all agents are made from.

`OfflineBuilder` has the methods of `acme.agents.jax.builders.OfflineBuilder` on Acme's
main branch, `OnlineBuilder` those of `ActorLearnerBuilder`. An agent adds its
objective, and its kind of items if they are not transitions.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tree
from acme import core, specs
from acme.adders import base as adders
from acme.agents.jax import actor_core, actors
from acme.jax import variable_utils
from acme.utils import counting, loggers

from acme_moe import diagnostics, learning, replay
from acme_moe.agents import items
from acme_moe.agents import policy as policies
from acme_moe.agents.acting_device import ParametersOn
from acme_moe.agents.config import AgentConfig, OnlineAgentConfig
from acme_moe.agents.vector_actor import VectorActor
from acme_moe.learning.learner import Learner, PrioritySink

if TYPE_CHECKING:
    import reverb

Config = TypeVar("Config", bound=AgentConfig)
OnlineConfig = TypeVar("OnlineConfig", bound=OnlineAgentConfig)


class OfflineBuilder(abc.ABC, Generic[Config]):
    """A builder of an agent's network, policy, actor and learner, for any data.

    Attributes:
      config: the settings.
      items: the kind of items that the agent learns from.
    """

    items_type: ClassVar[type[items.Items[Any, Any]]] = items.Transitions

    def __init__(self, config: Config) -> None:
        """Takes the settings; nothing is made yet."""
        self.config = config
        self.items = self.items_type(config)

    @abc.abstractmethod
    def make_objective(self, network: Any) -> learning.Objective:
        """Makes the objective that the learner minimises."""

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> Any:
        """Makes the agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """
        actions = environment_spec.actions
        if not isinstance(actions, specs.DiscreteArray):
            raise ValueError(
                f"action_spec: {actions!r} is not accepted; "
                "a dm_env.specs.DiscreteArray"
            )
        return self.config.make_network(actions.num_values)

    def make_policy(
        self,
        networks: Any,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Makes an epsilon-greedy policy: exploring, or for evaluation.

        Raises:
          ValueError: if it is not for evaluation and the agent acts only in evaluation.
        """
        del environment_spec
        return self.items.make_policy(
            networks,
            self._epsilon(evaluation),
            evaluation=evaluation,
            prioritized=self.prioritized and not evaluation,
        )

    @property
    def priority_exponent(self) -> float | None:
        """The power of an item's priority in proportion to which it is sampled.

        None if they are sampled uniformly, as fixed data are.
        """
        return None

    @property
    def prioritized(self) -> bool:
        """True if items are sampled by the priorities that the objective returns."""
        return self.priority_exponent is not None

    def _epsilon(self, evaluation: bool) -> policies.EpsilonSchedule:
        """Returns the exploration: small and fixed, and in evaluation only."""
        if not evaluation:
            raise ValueError(
                "evaluation: False is not accepted; True, for the agent learns from "
                "fixed data and acts in evaluation only"
            )
        return lambda _: jnp.asarray(self.config.evaluation_epsilon)

    def make_actor(
        self,
        random_key: jax.Array,
        policy: actor_core.ActorCore,
        environment_spec: specs.EnvironmentSpec,
        variable_source: core.VariableSource | None = None,
        adder: adders.Adder | None = None,
        device: jax.Device | None = None,
    ) -> actors.GenericActor:
        """Makes an actor; each call of its `update` pulls parameters.

        Its policy runs on the platform of `device`, the CPU if None.

        Raises:
          ValueError: if `variable_source` is None, without which there are none.
        """
        del environment_spec
        if variable_source is None:
            raise ValueError("variable_source: None is not accepted; a learner")
        platform = device.platform if device else "cpu"
        source = ParametersOn(
            variable_source, device or jax.local_devices(backend=platform)[0]
        )
        client = variable_utils.VariableClient(source, "")
        return actors.GenericActor(policy, random_key, client, adder, backend=platform)

    def make_base_optimizer(self) -> optax.GradientTransformation:
        """Makes the optimiser without pruning: Adam; a subclass may have another."""
        return optax.adam(self.config.learning_rate, eps=self.config.adam_epsilon)

    def make_optimizer(self) -> optax.GradientTransformation:
        """Makes the optimiser, with pruning where the settings ask for it."""
        config, pruning = self.config, self.config.pruning
        optimizer = self.make_base_optimizer()
        if not pruning.sparsity:
            return optimizer
        start = config.in_updates(pruning.start)
        return learning.pruned(
            optimizer,
            sparsity=pruning.sparsity,
            start=start,
            # With a low replay ratio, both may round to the same number of updates.
            end=max(start + 1, config.in_updates(pruning.end)),
            period=config.in_updates(pruning.period),
        )

    def make_update(
        self, networks: Any, environment_spec: specs.EnvironmentSpec
    ) -> learning.Update:
        """Makes the learner's update, on batches as replay returns them.

        The update needs no replay; the state that it takes must be one of the optimiser
        that `make_optimizer` makes.
        """
        return learning.make_update(
            self._objective_of_samples(networks, environment_spec),
            self.make_optimizer(),
            target_update_period=self.config.in_updates(
                self.config.target_update_period
            ),
            sgd_steps_per_call=self.config.sgd_steps_per_call,
        )

    def make_learner(
        self,
        random_key: jax.Array,
        networks: Any,
        dataset: Iterator[learning.Sample],
        logger_fn: Callable[..., loggers.Logger],
        environment_spec: specs.EnvironmentSpec,
        replay_client: replay.ReplayClient | None = None,
        counter: counting.Counter | None = None,
    ) -> Learner:
        """Makes a learner with `make_optimizer` and a periodically copied target.

        Raises:
          ValueError: if replay is prioritised and `replay_client` is None.
        """
        init_key, state_key = jax.random.split(random_key)
        blank = tree.map_structure(
            lambda spec: jnp.zeros((1, *spec.shape), spec.dtype),
            environment_spec.observations,
        )
        return Learner(
            learning.compile_training_state(
                lambda key: networks.init(key, blank), self.make_optimizer()
            )(init_key, state_key),
            self.make_update(networks, environment_spec),
            dataset,
            sgd_steps_per_call=self.config.sgd_steps_per_call,
            priorities=self._make_priority_sink(replay_client),
            counter=counter,
            logger=logger_fn("learner"),
        )

    def _make_priority_sink(
        self, replay_client: replay.ReplayClient | None
    ) -> PrioritySink | None:
        """Returns what writes priorities back to replay, if it samples by them."""
        if not self.prioritized:
            return None
        if replay_client is None:
            raise ValueError(
                "replay_client: None is not accepted; a reverb.Client, to write "
                "priorities back"
            )
        if isinstance(replay_client, replay.LocalReplay):
            return replay.LocalPriorities(replay_client)
        return replay.PriorityWriter(replay_client, self.items.table)

    def make_diagnostics(
        self,
        networks: Any,
        environment_spec: specs.EnvironmentSpec,
        config: diagnostics.DiagnosticsConfig,
    ) -> diagnostics.Measure:
        """Makes the diagnostics of the network, on batches as replay returns them."""
        probe = self.items.make_probe(networks)
        observation_spec = environment_spec.observations
        return diagnostics.make_measure(
            lambda params, key, batch: probe(
                params, key, self.items.decode(observation_spec, batch)
            ),
            self._objective_of_samples(networks, environment_spec),
            config,
            batch_size=self.config.batch_size,
        )

    def _objective_of_samples(
        self, networks: Any, environment_spec: specs.EnvironmentSpec
    ) -> learning.Objective:
        """Makes the objective on batches as replay returns them, decoded in the jit."""
        objective = self.make_objective(networks)
        observation_spec = environment_spec.observations

        def objective_of_samples(
            params: Any,
            target_params: Any,
            key: jax.Array,
            batch: Any,
            probabilities: jax.Array,
        ) -> tuple[jax.Array, learning.ObjectiveOutput]:
            batch = self.items.decode(observation_spec, batch)
            return objective(params, target_params, key, batch, probabilities)

        return objective_of_samples


class OnlineBuilder(OfflineBuilder[OnlineConfig], Generic[OnlineConfig]):
    """A builder of an agent that acts: adds replay, exploration and actors."""

    def make_replay_tables(
        self, environment_spec: specs.EnvironmentSpec, policy: Any = None
    ) -> list[reverb.Table]:
        """Makes one table that holds the run to the replay ratio."""
        del policy
        return [replay.make_table(self.replay_settings(environment_spec))]

    def replay_settings(
        self, environment_spec: specs.EnvironmentSpec
    ) -> replay.TableSettings:
        """Returns the settings of the table, whatever keeps it."""
        config = self.config
        items_per_step = 1 / self.items.steps_per_item
        min_size = max(1, round(config.min_replay_size * items_per_step))
        samples_per_insert = config.batch_size * config.replay_ratio / items_per_step
        # Reverb refuses a buffer in which a single insert or sample does not fit;
        # a call of the learner takes sgd_steps_per_call batches at once.
        smallest = max(
            2 * samples_per_insert,
            2.0 * config.batch_size * config.sgd_steps_per_call,
        )
        network = self.make_network(environment_spec)
        return replay.TableSettings(
            name=self.items.table,
            signature=self.items.signature(environment_spec, network),
            max_size=max(min_size, round(config.max_replay_size * items_per_step)),
            min_size=min_size,
            samples_per_insert=samples_per_insert,
            error_buffer=max(
                smallest,
                config.samples_per_insert_tolerance * min_size * samples_per_insert,
            ),
            priority_exponent=self.priority_exponent,
        )

    def make_dataset_iterator(
        self, replay_client: replay.ReplayClient
    ) -> Iterator[learning.Sample]:
        """Makes an iterator of batches that are on the learner's device."""
        return replay.make_sample_iterator(
            replay_client,
            table=self.items.table,
            batch_size=self.config.batch_size * self.config.sgd_steps_per_call,
            batch_type=self.items.batch_type,
        )

    def sample_spec(
        self, environment_spec: specs.EnvironmentSpec, networks: Any
    ) -> learning.Sample:
        """Returns `jax.ShapeDtypeStruct`s like the arrays of a batch from replay."""
        size = self.config.batch_size * self.config.sgd_steps_per_call
        items = tree.map_structure(
            lambda spec: jax.ShapeDtypeStruct((size, *spec.shape), spec.dtype),
            self.items.signature(environment_spec, networks),
        )
        probabilities: Any = jax.ShapeDtypeStruct((size,), jnp.float32)
        return learning.Sample(np.zeros(size, np.uint64), probabilities, items)

    def make_adder(
        self,
        replay_client: replay.ReplayClient,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.EpisodeAdder:
        """Makes the adder that writes the agent's items."""
        del policy
        return self.items.make_adder(replay_client, environment_spec)

    def _epsilon(self, evaluation: bool) -> policies.EpsilonSchedule:
        """Returns the exploration: decaying with the run, or fixed in evaluation."""
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
        environment_spec: specs.EnvironmentSpec,
        variable_source: core.VariableSource,
        environment_adders: Sequence[adders.Adder],
        device: jax.Device | None = None,
    ) -> VectorActor:
        """Makes an actor for several environments, with an adder for each.

        Its policy runs on `device`, the CPU if None.
        """
        return VectorActor(
            policy,
            random_key,
            environment_spec,
            variable_source,
            environment_adders,
            device or jax.local_devices(backend="cpu")[0],
        )
