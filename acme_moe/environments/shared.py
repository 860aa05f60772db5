"""Steps of several environments in memory that processes share."""

from __future__ import annotations

import mmap
import os
from typing import Any

import dm_env
import numpy as np
import tree
from dm_env import specs

from acme_moe.specs import EnvironmentSpec

# Of arrays in the memory, in bytes: that of a cache line.
_ALIGNMENT = 64


class SharedTimesteps:
    """The latest step of each environment, in a file without a name.

    Every process maps the same file and lays it out by the environments' spec. They
    take turns by other means: nothing here waits.
    """

    def __init__(self, num_environments: int, spec: EnvironmentSpec, fd: int) -> None:
        """Maps the file.

        Args:
          num_environments: how many.
          spec: of each.
          fd: of the file, which is made as long as it has to be.
        """
        self._structure = spec.observations
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
        (
            self._step_type,
            self._game_over,
            self._reward,
            self._discount,
            *self._observation,
        ) = (
            np.ndarray(shape, dtype, memory, offset)
            for shape, dtype, offset in zip(shapes, dtypes, offsets, strict=True)
        )

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

    def read(self, indices: slice | list[int]) -> list[dm_env.TimeStep]:
        """Returns the steps of some environments, copied at once."""
        step_types, rewards, discounts, *leaves = (
            list(array[indices].copy())
            for array in (
                self._step_type,
                self._reward,
                self._discount,
                *self._observation,
            )
        )
        return [
            self._timestep(dm_env.StepType(step_type), reward, discount, observation)
            for step_type, reward, discount, *observation in zip(
                step_types, rewards, discounts, *leaves, strict=True
            )
        ]

    def _timestep(
        self, step_type: dm_env.StepType, reward: Any, discount: Any, leaves: list[Any]
    ) -> dm_env.TimeStep:
        observation = tree.unflatten_as(self._structure, leaves)
        if step_type is dm_env.StepType.FIRST:
            return dm_env.restart(observation)
        return dm_env.TimeStep(step_type, reward, discount, observation)

    def game_over(self, index: int) -> bool:
        """Returns what was written with an environment's latest step."""
        return bool(self._game_over[index])
