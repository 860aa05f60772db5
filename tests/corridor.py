"""An environment from outside: a corridor whose right end is the goal."""

import dataclasses

import dm_env
import numpy as np
from dm_env import specs

from acme_moe import validation
from acme_moe.environments import EnvironmentConfig


@dataclasses.dataclass(frozen=True)
class CorridorConfig(EnvironmentConfig):
    """Settings: the number of places."""

    length: int = 5

    def __post_init__(self):
        validation.check_types(self)
        validation.at_least("length", self.length, 2)


class Corridor(dm_env.Environment):
    """Actions are back and forth; the end gives 1. Observations are `float64`."""

    def __init__(self, length, seed):
        self._length = length
        self._rng = np.random.default_rng(seed)

    def reset(self):
        self._place, self._steps = int(self._rng.integers(self._length - 1)), 0
        return dm_env.restart(self._observation())

    def step(self, action):
        self._place = max(0, self._place + 2 * int(action) - 1)
        self._steps += 1
        if self._place == self._length - 1:
            return dm_env.termination(1.0, self._observation())
        if self._steps == 20:
            return dm_env.truncation(0.0, self._observation())
        return dm_env.transition(0.0, self._observation())

    def _observation(self):
        return np.eye(self._length)[self._place]

    def observation_spec(self):
        return specs.Array((self._length,), np.float64)

    def action_spec(self):
        return specs.DiscreteArray(2)


class Continuous(Corridor):
    """Has actions that no agent here has."""

    def action_spec(self):
        return specs.BoundedArray((), np.float32, -1, 1)


def corridor(game: str, seed: int, config: CorridorConfig) -> dm_env.Environment:
    """Makes one; the name of the game says nothing."""
    return Corridor(config.length, seed)


class OwnCorridor(Corridor):
    """Is made without a function."""

    def __init__(self, game: str, seed: int, settings: CorridorConfig) -> None:
        super().__init__(settings.length, seed)


def continuous(game, seed, config):
    """Makes one that is refused."""
    return Continuous(5, seed)


def no_environment(game, seed, config):
    """Makes nothing."""


def two_arguments(game, seed):
    """Is no factory."""
