"""The suite of Gymnasium's environments; imports Gymnasium when one is made."""

from __future__ import annotations

import dataclasses

from acme_moe import lazy, validation
from acme_moe.environments.suite import EnvironmentConfig, Suite


@dataclasses.dataclass(frozen=True)
class GymnasiumConfig(EnvironmentConfig):
    """Settings of an environment of Gymnasium.

    Attributes:
      name: name of the suite.
      max_episode_steps: steps after which an episode is truncated; None for the
        environment's own limit.

    Raises:
      ValueError: names the field with a bad value, and what is accepted.
    """

    name: str = dataclasses.field(default="gymnasium", kw_only=True)
    max_episode_steps: int | None = None

    def __post_init__(self) -> None:
        validation.check_types(self)
        if self.max_episode_steps is not None:
            validation.at_least("max_episode_steps", self.max_episode_steps, 1)


SUITE = Suite(
    config_class=GymnasiumConfig,
    make=lazy.function("acme_moe.environments.gymnasium", "make"),
    default_game="CartPole-v1",
)
