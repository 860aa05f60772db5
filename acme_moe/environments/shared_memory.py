"""Steps of several environments in memory that processes share."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from typing import Any

import dm_env
import numpy as np
import tree
from dm_env import specs

from acme_moe.specs import EnvironmentSpec

# Alignment of arrays in the memory, in bytes: that of a cache line.
_ALIGNMENT = 64
_STEP_TYPES = tuple(dm_env.StepType)  # By their numbers.


class SharedTimesteps:
    """The latest step of each environment, in a file without a name.

    Every process maps the same file and lays it out by the environments' spec. Nothing
    here waits: that processes take turns is ensured elsewhere.
    """

    def __init__(self, num_environments: int, spec: EnvironmentSpec, fd: int) -> None:
        """Maps the file.

        Args:
          num_environments: number of environments.
          spec: spec of each environment.
          fd: descriptor of the file, which is resized as needed.
        """
        self._structure = spec.observations
        self._is_nested = tree.is_nested(spec.observations)
        step_type, game_over = specs.Array((), np.uint8), specs.Array((), np.bool_)
        leaves = [step_type, game_over, spec.rewards, spec.discounts]
        leaves += tree.flatten(spec.observations)
        shapes = [(num_environments, *leaf.shape) for leaf in leaves]
        dtypes = [np.dtype(leaf.dtype) for leaf in leaves]
        offsets, size = [], 0
        for shape, dtype in zip(shapes, dtypes, strict=True):
            offsets.append(size)
            size += -(-int(np.prod(shape)) * dtype.itemsize // _ALIGNMENT) * _ALIGNMENT
        os.ftruncate(fd, size)
        memory = mmap.mmap(fd, size)
        arrays: list[np.ndarray] = [
            np.ndarray(shape, dtype, memory, offset)
            for shape, dtype, offset in zip(shapes, dtypes, offsets, strict=True)
        ]
        self._step_type, self._game_over, self._reward, self._discount = arrays[:4]
        self._observation = arrays[4:]

    def write(self, index: int, timestep: dm_env.TimeStep, game_over: bool) -> None:
        """Writes the step of one environment."""
        self._step_type[index] = timestep.step_type
        self._game_over[index] = game_over
        if not timestep.first():
            self._reward[index] = timestep.reward
            self._discount[index] = timestep.discount
        leaves = tree.flatten(timestep.observation)
        for shared, leaf in zip(self._observation, leaves, strict=True):
            shared[index] = leaf

    def read(self, indices: Iterable[int]) -> list[dm_env.TimeStep]:
        """Returns copies of the steps of some environments."""
        return [self._read(i) for i in indices]

    def _read(self, index: int) -> dm_env.TimeStep:
        observation: Any = [shared[index].copy() for shared in self._observation]
        if self._is_nested:
            observation = tree.unflatten_as(self._structure, observation)
        else:
            (observation,) = observation
        step_type = _STEP_TYPES[self._step_type[index]]
        if step_type is dm_env.StepType.FIRST:
            return dm_env.restart(observation)
        return dm_env.TimeStep(
            step_type, self._reward[index], self._discount[index], observation
        )

    def game_over(self, index: int) -> bool:
        """Returns the `game_over` written with an environment's latest step."""
        return bool(self._game_over[index])
