"""Several environments that take their steps together."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import NamedTuple

import dm_env
import numpy as np


class EnvironmentFailedError(RuntimeError):
    """An environment in another process failed; the message says which and how."""


class Past(NamedTuple):
    """What an environment has played since it was made.

    Attributes:
      seed: the seed that it was made with.
      actions: the actions of all steps. An episode starts before the first step, and
        before each one that follows a `LAST` step.
      in_episode: whether an episode is under way after the last of these steps.
    """

    seed: int
    actions: Sequence[int]
    in_episode: bool


class VectorEnvironment(abc.ABC):
    """Environments, numbered from 0, in which an agent acts in rounds.

    Each is reset when its caller says so, and depends on no other: the same seeds and
    actions give the same steps, however many processes they are spread over.
    """

    @abc.abstractmethod
    def __len__(self) -> int:
        """Returns the number of environments."""

    @abc.abstractmethod
    def reset(self, indices: Sequence[int]) -> list[dm_env.TimeStep]:
        """Starts an episode in some environments, while no step is under way.

        Returns:
          A `FIRST` step for each index, in their order.
        """

    @abc.abstractmethod
    def start_step(self, actions: np.ndarray) -> None:
        """Starts a step in each environment; `finish_step` has to follow.

        Args:
          actions: one for each, `int32 [environments]`.
        """

    @abc.abstractmethod
    def finish_step(self) -> list[dm_env.TimeStep]:
        """Waits for the step that was started, and returns it for each environment."""

    def step(self, actions: np.ndarray) -> list[dm_env.TimeStep]:
        """Takes a step in each environment."""
        self.start_step(actions)
        return self.finish_step()

    @abc.abstractmethod
    def game_over(self, index: int) -> bool:
        """Returns whether an episode that just ended was the last of its game.

        False where it goes on in the next episode, as after a lost life.
        """

    @abc.abstractmethod
    def make_again(
        self, indices: Sequence[int], pasts: Sequence[Past]
    ) -> list[dm_env.TimeStep | None]:
        """Replaces some environments by new ones that have played the same.

        Args:
          indices: the environments to replace.
          pasts: what each of them is to play, in their order.

        Returns:
          The latest step of each; None for one that has played nothing.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Frees what the environments hold."""


class SequentialEnvironments(VectorEnvironment):
    """Steps one environment after another in this process."""

    def __init__(
        self, make: Callable[[int], dm_env.Environment], seeds: Sequence[int]
    ) -> None:
        """Makes an environment of each seed."""
        self._environments = [make(seed) for seed in seeds]
        self._make = make
        self._actions: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._environments)

    def reset(self, indices: Sequence[int]) -> list[dm_env.TimeStep]:
        """Starts an episode in some of the environments."""
        return [self._environments[i].reset() for i in indices]

    def start_step(self, actions: np.ndarray) -> None:
        """Keeps the actions for `finish_step`."""
        self._actions = actions

    def finish_step(self) -> list[dm_env.TimeStep]:
        """Takes the step."""
        assert self._actions is not None, "no step was started"
        actions, self._actions = self._actions, None
        return [
            environment.step(action)
            for environment, action in zip(self._environments, actions, strict=True)
        ]

    def game_over(self, index: int) -> bool:
        """Returns whether an episode that just ended was the last of its game."""
        return is_game_over(self._environments[index])

    def make_again(
        self, indices: Sequence[int], pasts: Sequence[Past]
    ) -> list[dm_env.TimeStep | None]:
        """Replaces some environments by new ones that have played the same."""
        timesteps = []
        for i, past in zip(indices, pasts, strict=True):
            self._environments[i].close()
            self._environments[i], timestep = play_again(self._make, past)
            timesteps.append(timestep)
        return timesteps

    def close(self) -> None:
        """Closes each environment."""
        for environment in self._environments:
            environment.close()


def play_again(
    make: Callable[[int], dm_env.Environment], past: Past
) -> tuple[dm_env.Environment, dm_env.TimeStep | None]:
    """Makes an environment and plays in it what was played before.

    Returns:
      The environment, and its latest step; None if it has played nothing.
    """
    environment = make(past.seed)
    timestep = None
    for action in np.asarray(past.actions, np.int32):
        if timestep is None or timestep.last():
            environment.reset()
        timestep = environment.step(action)
    if past.in_episode and (timestep is None or timestep.last()):
        timestep = environment.reset()
    return environment, timestep


def is_game_over(environment: dm_env.Environment) -> bool:
    """Returns an environment's `game_over`; True where it has none."""
    return bool(getattr(environment, "game_over", True))
