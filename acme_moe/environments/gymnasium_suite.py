"""The suite of Gymnasium's environments; imports Gymnasium when one is made."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from acme_moe import validation
from acme_moe.environments.config import EnvironmentConfig
from acme_moe.environments.suite import Suite

if TYPE_CHECKING:
    from acme_moe.environments.gymnasium import GymnasiumEnvironment


@dataclasses.dataclass(frozen=True)
class GymnasiumConfig(EnvironmentConfig):
    """Settings of an environment of Gymnasium.

    Attributes:
      name: of the suite.
      max_episode_steps: after which an episode is truncated; None for the environment's
        own limit.

    Raises:
      ValueError: if there is no such limit.
    """

    name: str = dataclasses.field(default="gymnasium", kw_only=True)
    max_episode_steps: int | None = None

    def __post_init__(self) -> None:
        validation.check_types(self)
        if self.max_episode_steps is not None:
            validation.at_least("max_episode_steps", self.max_episode_steps, 1)


def make(game: str, seed: int, config: GymnasiumConfig) -> GymnasiumEnvironment:
    """Makes the environment of an id."""
    from acme_moe.environments import gymnasium

    return gymnasium.make(game, seed, config)


SUITE = Suite(config_class=GymnasiumConfig, make=make, default_game="CartPole-v1")
