"""The Acme builder of what every agent needs to learn and to be evaluated.

It has the methods of `acme.agents.jax.builders.OfflineBuilder` on Acme's main branch.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
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

from acme_moe import diagnostics, learning
from acme_moe.agents import policy as policies
from acme_moe.agents.config import AgentConfig
from acme_moe.learning.learner import Learner, PrioritySink
from acme_moe.networks import Network, RecurrentNetwork

Config = TypeVar("Config", bound=AgentConfig)
NetworkT = TypeVar("NetworkT", Network, RecurrentNetwork)


class AgentBuilder(abc.ABC, Generic[Config, NetworkT]):
    """Network, policy, actor and learner of any agent, wherever its data come from.

    Attributes:
      config: the settings.
    """

    def __init__(self, config: Config) -> None:
        """Keeps the settings; nothing is made yet."""
        self.config = config

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
    def make_policy(
        self,
        networks: NetworkT,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy: decaying with the run, or small and fixed in evaluation.

        Raises:
          ValueError: if it is not for evaluation and the agent acts in nothing else.
        """

    @abc.abstractmethod
    def make_probe(self, networks: NetworkT) -> diagnostics.Probe:
        """How the diagnostics look at the network on a batch of items."""

    @abc.abstractmethod
    def _decode(self, observation_spec: Any, batch: Any) -> Any:
        """Sampled items as the objective takes them; inside the jitted update."""

    def _make_priority_sink(
        self, replay_client: reverb.Client | None
    ) -> PrioritySink | None:
        """What the learner tells priorities; nothing, where all items are alike."""
        del replay_client
        return None

    def _num_actions(self, environment_spec: specs.EnvironmentSpec) -> int:
        actions = environment_spec.actions
        if not isinstance(actions, specs.DiscreteArray):
            raise ValueError(
                f"action_spec: {actions!r} is not accepted; "
                "a dm_env.specs.DiscreteArray"
            )
        return actions.num_values

    def _epsilon(self, evaluation: bool) -> policies.EpsilonSchedule:
        """Exploration: small and fixed, and in evaluation only."""
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
    ) -> actors.GenericActor:
        """An actor on the CPU; it pulls parameters whenever `update` is called."""
        del environment_spec
        if variable_source is None:
            raise ValueError("variable_source: None is not accepted; a learner")
        client = variable_utils.VariableClient(variable_source, "", device="cpu")
        return actors.GenericActor(policy, random_key, client, adder, backend="cpu")

    def make_optimizer(self) -> optax.GradientTransformation:
        """Returns what moves the parameters: Adam."""
        return optax.adam(self.config.learning_rate, eps=self.config.adam_epsilon)

    def make_update(
        self, networks: NetworkT, environment_spec: specs.EnvironmentSpec
    ) -> learning.Update:
        """Returns the update that `make_learner` repeats, on batches as replay gives.

        It needs no replay, and takes a state of `make_optimizer`'s optimiser.
        """
        return learning.make_update(
            self._objective_of_samples(networks, environment_spec),
            self.make_optimizer(),
            target_update_period=self.config.target_update_period_in_updates,
            sgd_steps_per_call=self.config.sgd_steps_per_call,
        )

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
        init_key, state_key = jax.random.split(random_key)
        blank = tree.map_structure(
            lambda spec: jnp.zeros((1, *spec.shape), spec.dtype),
            environment_spec.observations,
        )
        return Learner(
            learning.init_training_state(
                networks.init(init_key, blank), self.make_optimizer(), state_key
            ),
            self.make_update(networks, environment_spec),
            dataset,
            sgd_steps_per_call=self.config.sgd_steps_per_call,
            priorities=self._make_priority_sink(replay_client),
            counter=counter,
            logger=logger_fn("learner"),
        )

    def make_diagnostics(
        self,
        networks: NetworkT,
        environment_spec: specs.EnvironmentSpec,
        config: diagnostics.DiagnosticsConfig,
    ) -> diagnostics.Measure:
        """What a run measures of its network, on batches as replay gives them."""
        probe = self.make_probe(networks)
        observation_spec = environment_spec.observations
        return diagnostics.make_measure(
            lambda params, key, batch: probe(
                params, key, self._decode(observation_spec, batch)
            ),
            self._objective_of_samples(networks, environment_spec),
            config,
            batch_size=self.config.batch_size,
        )

    def _objective_of_samples(
        self, networks: NetworkT, environment_spec: specs.EnvironmentSpec
    ) -> learning.Objective:
        """The objective on batches as replay gives them, decoded where it is jitted."""
        objective = self.make_objective(networks)
        observation_spec = environment_spec.observations

        def objective_of_samples(
            params: Any,
            target_params: Any,
            key: jax.Array,
            batch: Any,
            probabilities: jax.Array,
        ) -> tuple[jax.Array, learning.ObjectiveOutput]:
            batch = self._decode(observation_spec, batch)
            return objective(params, target_params, key, batch, probabilities)

        return objective_of_samples
