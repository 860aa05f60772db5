"""The base of the environments here: numbered actions, and an episode's bounds."""

from __future__ import annotations

import abc
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from acme_moe import validation


class DiscreteEnvironment(dm_env.Environment, abc.ABC):
    """An environment in which a step outside an episode starts one."""

    def __init__(self, num_actions: int) -> None:
        """Starts no episode yet."""
        self._num_actions = num_actions
        self._in_episode = False

    @abc.abstractmethod
    def _start(self) -> Any:
        """Starts an episode, and returns its first observation."""

    @abc.abstractmethod
    def _move(self, action: int) -> tuple[Any, float, bool, bool]:
        """Takes a step.

        Args:
          action: an index into the actions.

        Returns:
          Observation and reward; whether the episode ends in a terminal state, and
          whether it ends at a limit. It may do both.
        """

    def reset(self) -> dm_env.TimeStep:
        """Starts an episode, even in the middle of another.

        Returns:
          A `FIRST` step.
        """
        observation = self._start()
        self._in_episode = True
        return dm_env.restart(observation)

    def step(self, action: int | np.integer | np.ndarray) -> dm_env.TimeStep:
        """Takes a step.

        Args:
          action: an index into the actions of `action_spec`. Ignored if this starts an
            episode, before the first `reset` or after a `LAST` step.

        Returns:
          The step, with reward and discount of type `np.float32`.

        Raises:
          ValueError: if there is no such action.
        """
        if not self._in_episode:
            return self.reset()
        index = int(action)
        validation.between("action", index, 0, self._num_actions - 1)
        observation, reward, terminated, truncated = self._move(index)
        self._in_episode = not (terminated or truncated)
        return dm_env.TimeStep(
            dm_env.StepType.MID if self._in_episode else dm_env.StepType.LAST,
            np.float32(reward),
            np.float32(not terminated),
            observation,
        )

    def action_spec(self) -> specs.DiscreteArray:
        """Returns `int32` indices into the actions."""
        return specs.DiscreteArray(self._num_actions, np.int32, "action")

    def reward_spec(self) -> specs.Array:
        """Returns `float32`, not clipped."""
        return specs.Array((), np.float32, "reward")

    def discount_spec(self) -> specs.BoundedArray:
        """Returns `float32`: 0 at a terminal, 1 elsewhere, truncations included."""
        return specs.BoundedArray((), np.float32, 0, 1, "discount")
