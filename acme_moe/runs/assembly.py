"""The parts that a run is put together from, the same in one process and in many."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dm_env
import jax
import numpy as np

from acme_moe import agents, specs
from acme_moe.environments import UnplayableError
from acme_moe.environments.making import EnvironmentMaker
from acme_moe.networks.describe import batch_of_one, totals
from acme_moe.runs.spec import RunSpec

if TYPE_CHECKING:
    from acme_moe.agents import acting_device


class Parts:
    """Builder, network and environments of a run.

    Attributes:
      spec: the run.
      builder: builder of its agent.
      environment_spec: spec of its environments.
      network: the builder's.
    """

    def __init__(self, spec: RunSpec, builder: Any = None) -> None:
        """Makes the builder and its network; compiles nothing.

        Args:
          spec: the run.
          builder: replaces the agent's own, such as one with another network.
        """
        self.spec = spec
        self.builder = builder or agents.load_builder(spec.run.agent, spec.agent)
        self.environment_spec = environment_spec(spec)
        self.network = self.builder.make_network(self.environment_spec)

    def check_network(self) -> None:
        """Refuses a network that cannot be made for the environment's observations.

        Raises:
          UnplayableError: says what does not fit.
        """
        try:
            params_spec(self.network, self.environment_spec.observations)
        except ValueError as error:
            raise UnplayableError(
                f"network: cannot be made for environment.name "
                f"{self.spec.run.environment.name!r} ({error})"
            ) from error

    def make_evaluator(
        self, key: jax.Array, variable_source: Any, device: jax.Device | None = None
    ) -> Any:
        """Returns an actor with the evaluation policy.

        Args:
          key: random key of the policy's draws.
          variable_source: source of the parameters.
          device: device that the policy runs on; None for the CPU.
        """
        return self.builder.make_actor(
            key,
            self._evaluation_policy,
            self.environment_spec,
            variable_source,
            device=device,
        )

    def choose_acting_device(
        self, learner: Any, num_environments: int
    ) -> acting_device.Choice:
        """Chooses the device that the policy runs on, by timing where several will do.

        Where only one will do, nothing is compiled and the policy is not called.

        Args:
          learner: the learner of this process, which has the parameters.
          num_environments: how many environments one call of the policy is for.

        Raises:
          NoAcceleratorError: if the settings ask for an accelerator and JAX has none.
        """
        # Imported here: they import Acme, which a loaded agent does without.
        from acme_moe.agents import acting_device
        from acme_moe.agents.vector_actor import VectorActor

        observation = jax.tree.map(
            lambda spec: np.zeros(spec.shape, spec.dtype),
            self.environment_spec.observations,
        )
        nothing_added: Any = [None] * num_environments

        def make_call(device: jax.Device) -> Callable[[], Any]:
            actor = VectorActor(
                self._evaluation_policy,
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

        devices = acting_device.candidates(self.spec.run.acting.device)
        return acting_device.choose(devices, make_call)

    @functools.cached_property
    def _evaluation_policy(self) -> Any:
        # One for all evaluations, so that it is compiled once.
        return self.builder.make_policy(
            self.network, self.environment_spec, evaluation=True
        )


def network_totals(spec: RunSpec) -> tuple[int, int]:
    """Returns parameters and FLOPs per sample of a run's network; see `describe`."""
    environments = environment_spec(spec)
    network = spec.agent.make_network(environments.actions.num_values)
    return totals(network, environments.observations)


def params_spec(network: Any, observation_spec: Any) -> Any:
    """Returns a network's parameters as `jax.ShapeDtypeStruct`s; computes nothing."""
    batch = batch_of_one(observation_spec)
    return jax.eval_shape(network.init, jax.random.PRNGKey(0), batch)


def environment_spec(spec: RunSpec) -> specs.EnvironmentSpec:
    """Returns the spec of a run's environments; raises as `make_environment` does."""
    with contextlib.closing(make_environment(spec, seed=0)) as environment:
        return specs.make_environment_spec(environment)


def make_environment(
    spec: RunSpec, seed: int, *, evaluation: bool = False
) -> dm_env.Environment:
    """Makes an environment to train in, or to evaluate in.

    Args:
      spec: the run, which names the game; its agent may want each observation to
        include the previous action and reward.
      seed: seed of the environment.
      evaluation: whether it is for evaluation, which has the same settings, except
        that an episode, and with it a recurrent agent's state, always lasts for a
        whole game.

    Raises:
      UnplayableError: if it cannot be made, or agents here cannot act in it.
    """
    return environment_maker(spec, evaluation=evaluation)(seed)


def environment_maker(spec: RunSpec, *, evaluation: bool = False) -> EnvironmentMaker:
    """Returns what makes the environments of a run; arguments of `make_environment`."""
    return EnvironmentMaker(
        game=spec.run.game,
        config=spec.run.environment,
        evaluation=evaluation,
        action_and_reward=spec.agent.wants_action_and_reward,
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
