"""The suite of the MinAtar games; imports a game when one is made."""

from __future__ import annotations

import dataclasses

from acme_moe import lazy, validation
from acme_moe.environments.suite import EnvironmentConfig, Suite


@dataclasses.dataclass(frozen=True)
class MinAtarConfig(EnvironmentConfig):
    """Settings of a MinAtar game; the defaults are those of Young and Tian (2019).

    Attributes:
      name: name of the suite.
      sticky_action_probability: probability that a step repeats the previous action
        instead.
      difficulty_ramping: whether Asterix, Seaquest and Space Invaders become harder.
      full_action_space: whether the agent has all six actions, as the paper's agents
        have, or only those that mean something in the game.
      max_episode_steps: number of steps after which a game is truncated.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    name: str = dataclasses.field(default="minatar", kw_only=True)
    sticky_action_probability: float = 0.1
    difficulty_ramping: bool = True
    full_action_space: bool = True
    max_episode_steps: int = 100_000_000

    def __post_init__(self) -> None:
        validation.check_types(self)
        probability = self.sticky_action_probability
        validation.between("sticky_action_probability", probability, 0, 1)
        validation.at_least("max_episode_steps", self.max_episode_steps, 1)


GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")

SUITE = Suite(
    config_class=MinAtarConfig,
    make=lazy.function(
        "acme_moe.environments.minatar.environment", "MinAtarEnvironment"
    ),
    default_game="Breakout",
    games=GAMES,
)
