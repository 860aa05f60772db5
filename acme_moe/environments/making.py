"""Makes the environments of a run, in any process."""

from __future__ import annotations

import dataclasses
from typing import Any

import dm_env
import tree

from acme_moe.environments.suite import UnplayableError, find_suite
from acme_moe.environments.wrappers import (
    ObservationActionRewardWrapper,
    SinglePrecisionWrapper,
    WholeGamesWrapper,
    single_dtype,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnvironmentMaker:
    """Makes environments that differ by their seeds; can be sent to other processes.

    Attributes:
      game: the game's name in the suite.
      config: settings of the environments, which name the suite.
      evaluation: whether an episode always lasts for a whole game.
      action_and_reward: whether observations include the previous action and reward.
    """

    game: str
    config: Any
    evaluation: bool = False
    action_and_reward: bool = False

    def __call__(self, seed: int) -> dm_env.Environment:
        """Makes the environment of a seed.

        Raises:
          UnplayableError: if it cannot be made, or agents here cannot act in it.
        """
        name = self.config.name
        environment = find_suite(name).make(self.game, seed, self.config)
        _check(environment, name)
        leaves = tree.flatten(environment.observation_spec())
        if self.action_and_reward:
            leaves += [environment.action_spec(), environment.reward_spec()]
        if any(single_dtype(leaf.dtype) != leaf.dtype for leaf in leaves):
            environment = SinglePrecisionWrapper(environment)
        if self.evaluation and hasattr(environment, "game_over"):
            environment = WholeGamesWrapper(environment)
        if self.action_and_reward:
            return ObservationActionRewardWrapper(environment)
        return environment


def _check(environment: Any, name: str) -> None:
    """Refuses anything but an environment with discrete actions."""
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
