"""Wrappers of environments.

Acme has all but `WholeGamesWrapper`; with these, making an environment does not import
Acme.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import dm_env
import numpy as np
import tree
from dm_env import specs


class EnvironmentWrapper(dm_env.Environment):
    """Passes everything on; attributes that it lacks are the inner environment's."""

    def __init__(self, environment: dm_env.Environment) -> None:
        """Wraps an environment."""
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        # Otherwise the lookup would never end in an instance that is being unpickled.
        if name.startswith("__") or name == "_environment":
            raise AttributeError(name)
        return getattr(self._environment, name)

    def reset(self) -> dm_env.TimeStep:
        """Starts an episode."""
        return self._environment.reset()

    def step(self, action: Any) -> dm_env.TimeStep:
        """Takes a step."""
        return self._environment.step(action)

    def observation_spec(self) -> Any:
        """Returns what observations are."""
        return self._environment.observation_spec()

    def action_spec(self) -> Any:
        """Returns what actions are."""
        return self._environment.action_spec()

    def reward_spec(self) -> Any:
        """Returns what rewards are."""
        return self._environment.reward_spec()

    def discount_spec(self) -> Any:
        """Returns what discounts are."""
        return self._environment.discount_spec()

    def close(self) -> None:
        """Frees what the environment holds."""
        self._environment.close()


class SinglePrecisionWrapper(EnvironmentWrapper):
    """Gives `float64` as `float32` and `int64` as `int32`, which is what JAX has."""

    def reset(self) -> dm_env.TimeStep:
        """Starts an episode."""
        return _single(self._environment.reset())

    def step(self, action: Any) -> dm_env.TimeStep:
        """Takes a step."""
        return _single(self._environment.step(action))

    def observation_spec(self) -> Any:
        """Returns what observations are."""
        return _single_spec(self._environment.observation_spec())

    def action_spec(self) -> Any:
        """Returns what actions are."""
        return _single_spec(self._environment.action_spec())

    def reward_spec(self) -> Any:
        """Returns what rewards are."""
        return _single_spec(self._environment.reward_spec())

    def discount_spec(self) -> Any:
        """Returns what discounts are."""
        return _single_spec(self._environment.discount_spec())


_SINGLE = {np.dtype(np.float64): np.float32, np.dtype(np.int64): np.int32}


def single_dtype(dtype: np.dtype) -> Any:
    """Returns the dtype in which values of a dtype are given: 32 bits instead of 64."""
    return _SINGLE.get(dtype, dtype)


def single(array: np.ndarray) -> np.ndarray:
    """Casts 64 bits to 32; an integer out of range becomes the nearest in range."""
    if array.dtype == np.int64:
        limits = np.iinfo(np.int32)
        array = array.clip(limits.min, limits.max)
    return array.astype(single_dtype(array.dtype), copy=False)


def _single(timestep: dm_env.TimeStep) -> dm_env.TimeStep:
    def convert(value: Any) -> Any:
        # Reward and discount of a first step are None.
        return None if value is None else single(np.asarray(value))

    step_type, *values = timestep
    return dm_env.TimeStep(step_type, *(tree.map_structure(convert, x) for x in values))


def _single_spec(nest: Any) -> Any:
    def convert(spec: specs.Array) -> specs.Array:
        changes: dict[str, Any] = {"dtype": single_dtype(spec.dtype)}
        if type(spec) is specs.BoundedArray:
            bounds = {"minimum": spec.minimum, "maximum": spec.maximum}
            changes |= {name: single(bound) for name, bound in bounds.items()}
        return spec.replace(**changes)

    return tree.map_structure(convert, nest)


class WholeGamesWrapper(EnvironmentWrapper):
    """Plays whole games as episodes where an environment ends one with a life.

    The environment must have `game_over`, as `AtariEnvironment` does.

    After a lost life the agent still sees what it sees in training, the first
    observation of the next life with all earlier frames blank, as in Dopamine's
    evaluation. The rewards are those of the game. A wrapper around this one, such as
    `ObservationActionRewardWrapper`, sees no episode end there: it then shows the
    action and the reward before the lost life, where in training it shows zeros.
    """

    def step(self, action: Any) -> dm_env.TimeStep:
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


class OAR(NamedTuple):
    """An observation, with the action and the reward before it."""

    observation: Any
    action: Any
    reward: Any


class ObservationActionRewardWrapper(EnvironmentWrapper):
    """Adds the previous action and reward to each observation, zeros to the first."""

    def reset(self) -> dm_env.TimeStep:
        """Starts an episode."""
        action, reward = (
            np.zeros(spec.shape, spec.dtype)
            for spec in (self.action_spec(), self.reward_spec())
        )
        return _with(self._environment.reset(), action, reward)

    def step(self, action: Any) -> dm_env.TimeStep:
        """Takes a step."""
        timestep = self._environment.step(action)
        return _with(timestep, action, timestep.reward)

    def observation_spec(self) -> OAR:
        """Returns what observations are."""
        observation = self._environment.observation_spec()
        return OAR(observation, self.action_spec(), self.reward_spec())


def _with(timestep: dm_env.TimeStep, action: Any, reward: Any) -> dm_env.TimeStep:
    return timestep._replace(observation=OAR(timestep.observation, action, reward))
