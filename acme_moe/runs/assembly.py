"""The parts that a run is put together from, the same in one process and in many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dm_env
import jax
import numpy as np
import tree

from acme_moe import agents, specs
from acme_moe.agents import acting_device
from acme_moe.agents.vector_actor import VectorActor
from acme_moe.environments import UnplayableError, find_suite
from acme_moe.environments.wrappers import (
    EnvironmentWrapper,
    ObservationActionRewardWrapper,
    SinglePrecisionWrapper,
)
from acme_moe.networks.describe import totals
from acme_moe.runs.spec import RunSpec


class Parts:
    """Builder, network and environments of a run.

    Attributes:
      spec: the run.
      builder: of its agent.
      environment_spec: of its environments.
      network: the builder's.
    """

    def __init__(self, spec: RunSpec, builder: Any = None) -> None:
        """Makes the builder and its network; compiles nothing.

        Args:
          spec: the run.
          builder: in place of the agent's own, such as one with another network.
        """
        self.spec = spec
        self.builder = builder or agents.load_builder(spec.run.agent, spec.agent)
        environment = make_environment(spec, seed=0)
        self.environment_spec = specs.make_environment_spec(environment)
        environment.close()
        self.network = self.builder.make_network(self.environment_spec)

    def make_evaluator(
        self, key: jax.Array, variable_source: Any, device: jax.Device | None = None
    ) -> Any:
        """Returns an actor with the evaluation policy.

        Args:
          key: of its draws.
          variable_source: where parameters come from.
          device: that its policy runs on; the CPU if None.
        """
        return self.builder.make_actor(
            key,
            self._evaluation_policy(),
            self.environment_spec,
            variable_source,
            device=device,
        )

    def choose_acting_device(
        self, learner: Any, num_environments: int
    ) -> acting_device.Choice:
        """Returns where the policy runs, measured where the settings leave it open.

        Args:
          learner: with the parameters, in this process.
          num_environments: that a call of the policy is for.

        Compiles and plays nothing where there is no choice.

        Raises:
          ValueError: if the settings ask for an accelerator and JAX has none.
        """
        observation = jax.tree.map(
            lambda spec: np.zeros(spec.shape, spec.dtype),
            self.environment_spec.observations,
        )

        nothing_added: Any = [None] * num_environments

        def make_call(device: jax.Device) -> Callable[[], Any]:
            actor = VectorActor(
                self._evaluation_policy(),
                jax.random.PRNGKey(0),
                self.environment_spec,
                learner,
                nothing_added,
                device,
            )

            def call() -> None:
                # As after an update, when another device needs a copy.
                actor.update(wait=True)
                actor.select_actions([observation] * num_environments)

            return call

        devices = acting_device.candidates(self.spec.run.acting)
        return acting_device.choose(devices, make_call)

    def _evaluation_policy(self) -> Any:
        return self.builder.make_policy(
            self.network, self.environment_spec, evaluation=True
        )


def network_totals(spec: RunSpec) -> tuple[int, int]:
    """Returns parameters, and FLOPs of a sample, of a run's network: see `describe`."""
    environment = make_environment(spec, seed=0)
    network = spec.agent.make_network(environment.action_spec().num_values)
    sizes = totals(network, environment.observation_spec())
    environment.close()
    return sizes


class WholeGames(EnvironmentWrapper):
    """Plays whole games as episodes where an environment ends one with a life.

    The environment has `game_over`, as `AtariEnvironment` has.

    After a lost life the agent still sees what it sees in training, the first
    observation of the next life with all earlier frames blank, as in the reference's
    evaluation. The rewards are those of the game.
    """

    def step(self, action: int | np.integer | np.ndarray) -> dm_env.TimeStep:
        """Takes a step, and starts the next life where one was lost."""
        timestep = self._environment.step(action)
        if not timestep.last() or self._environment.game_over:
            return timestep
        return dm_env.TimeStep(
            dm_env.StepType.MID,
            timestep.reward,
            np.float32(1),
            self._environment.reset().observation,
        )


def make_environment(
    spec: RunSpec, seed: int, *, evaluation: bool = False
) -> dm_env.Environment:
    """Makes an environment to train in, or to evaluate in.

    Args:
      spec: whose game it is, and whose agent may want to see the action and the
        reward before each observation.
      seed: of the environment.
      evaluation: what it is for. Evaluation has the same settings, but its episodes
        always last for a whole game. A recurrent agent's state lasts as long.

    Raises:
      UnplayableError: if it cannot be made, or is none that agents here can act in.
    """
    run = spec.run
    environment = find_suite(run.environment.name).make(run.game, seed, run.environment)
    _check(environment, run.environment.name)
    if _is_double(environment.observation_spec()):
        environment = SinglePrecisionWrapper(environment)
    if evaluation and hasattr(environment, "game_over"):
        environment = WholeGames(environment)
    if spec.agent.wants_action_and_reward:
        return ObservationActionRewardWrapper(environment)
    return environment


def _check(environment: Any, name: str) -> None:
    """Refuses what is no environment with discrete actions."""
    if not isinstance(environment, dm_env.Environment):
        raise UnplayableError(
            f"environment.name: {name!r} made {environment!r}; a dm_env.Environment is "
            "accepted"
        )
    actions = environment.action_spec()
    if not isinstance(actions, dm_env.specs.DiscreteArray):
        raise UnplayableError(
            f"environment.name: {name!r} has the actions {actions!r}; a "
            "dm_env.specs.DiscreteArray is accepted"
        )


def check_renders(environment: Any, spec: RunSpec) -> None:
    """Refuses an environment without pictures.

    Raises:
      UnplayableError: if it has no `render`.
    """
    if not callable(getattr(environment, "render", None)):
        raise UnplayableError(
            f"environment.name: {spec.run.environment.name!r} cannot be filmed; one "
            "with a method render() that returns a picture uint8 [height, width, 3]"
        )


def _is_double(observation_spec: Any) -> bool:
    leaves = tree.flatten(observation_spec)
    return any(leaf.dtype in (np.float64, np.int64) for leaf in leaves)


def draw_seeds(*entropy: int, count: int) -> list[int]:
    """Draws seeds; a resumed run passes its position, so it draws new ones.

    Args:
      *entropy: what tells the draw from others: the run's seed, its position, and
        whatever else.
      count: how many.

    Returns:
      Integers in [0, 2^31), the same for the same entropy.
    """
    state = np.random.SeedSequence(list(entropy)).generate_state(count)
    return [int(x) for x in state >> 1]
