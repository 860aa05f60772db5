"""What an environment takes and gives, and how replay may store an observation."""

from __future__ import annotations

from typing import Any, NamedTuple

import dm_env
import numpy as np
from dm_env import specs


class EnvironmentSpec(NamedTuple):
    """The specs of an environment, by the names of `acme.specs.EnvironmentSpec`."""

    observations: Any
    actions: Any
    rewards: Any
    discounts: Any


def make_environment_spec(environment: dm_env.Environment) -> EnvironmentSpec:
    """Returns an environment's specs."""
    return EnvironmentSpec(
        observations=environment.observation_spec(),
        actions=environment.action_spec(),
        rewards=environment.reward_spec(),
        discounts=environment.discount_spec(),
    )


class StackedFrames(specs.BoundedArray):
    """A `uint8` observation `[height, width, stack]`: the last frames, newest last.

    An environment with this spec promises that each observation is the one before
    it moved by one frame, and that the first observation of an episode is zero
    but for its newest frame. Replay relies on that to store every frame once; any
    other spec is stored as it is.
    """

    def __init__(
        self, height: int, width: int, stack: int, name: str = "frames"
    ) -> None:
        """Describes the stack.

        Args:
          height: rows of one frame, in pixels.
          width: columns of one frame, in pixels.
          stack: frames that an observation holds.
          name: name of the spec, for messages.
        """
        super().__init__((height, width, stack), np.uint8, 0, 255, name)

    @property
    def stack(self) -> int:
        """Number of frames that an observation holds."""
        return self.shape[-1]

    @property
    def frame(self) -> specs.BoundedArray:
        """The spec of one frame, `uint8 [height, width]`."""
        return specs.BoundedArray(self.shape[:-1], self.dtype, 0, 255, self.name)

    def replace(self, **changes: Any) -> specs.BoundedArray:
        """Returns the spec with some attributes replaced, for Acme's wrappers.

        Args:
          **changes: attributes of `BoundedArray` to replace.

        Returns:
          Stacked frames if only their sizes or the name change, else a plain
          `BoundedArray`.
        """
        own: dict[str, Any] = {
            "dtype": self.dtype,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "shape": self.shape,
            "name": self.name,
        }
        changed = {**own, **changes}
        bounds = ("dtype", "minimum", "maximum")
        same = not any(np.any(own[name] != changed[name]) for name in bounds)
        if same and len(changed["shape"]) == len(self.shape):
            height, width, stack = changed["shape"]
            return StackedFrames(height, width, stack, changed["name"])
        return specs.BoundedArray(**changed)

    def __reduce__(self) -> tuple[type, tuple]:
        height, width, stack = self.shape
        return StackedFrames, (height, width, stack, self.name)
