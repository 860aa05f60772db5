"""The layout of n-step transitions in replay, and their unpacking.

A table's signature is that of a transition as it is sampled. An item is stored with
fewer columns, because each column costs the server memory and the sampler time:

- for each leaf of the observation, the rows from the first to the last that the
  transition sees: `[m + 1, ...]` if it spans m steps, or `[m + stack, height, width]`
  for frames. Reverb takes rows of one chunk for neighbours, so none may be left out.
- `step`, the bytes of action, return and discount, one after the other.

Therefore `reverb.TrajectoryDataset` cannot read such a table; `make_sample_iterator`
can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tree
from acme import specs

from acme_moe.learning.types import Transition
from acme_moe.replay import frames


def transition_signature(environment_spec: specs.EnvironmentSpec) -> Transition:
    """Returns the signature of a table that `NStepAdder` writes to.

    It is a nest of specs; Reverb's tables need it as `tables.to_tensor_specs` gives it.
    """

    def stored(spec: specs.Array) -> specs.Array:
        return specs.Array(frames.stored_shape(spec), spec.dtype, spec.name)

    def nest(structure: Any) -> Any:
        return tree.map_structure(stored, structure)

    return Transition(
        observation=nest(environment_spec.observations),
        action=nest(environment_spec.actions),
        reward=specs.Array((), np.float32, "reward"),
        discount=specs.Array((), np.float32, "discount"),
        next_observation=nest(environment_spec.observations),
    )


def pack_step(action: Any, reward: float, discount: float) -> np.ndarray:
    """Returns the bytes of a step, `uint8 [bytes]`.

    Args:
      action: nest of arrays of the dtypes of their specs.
      reward: the return.
      discount: that of the value after the last step.
    """
    leaves = [*tree.flatten(action), np.float32(reward), np.float32(discount)]
    return np.frombuffer(b"".join(x.tobytes() for x in leaves), np.uint8)


def first_and_last(spec: specs.Array, rows: Any, axes: int) -> tuple[Any, Any]:
    """Returns the rows of a transition's first and of its last observation.

    Args:
      spec: spec of the observation as it is sampled.
      rows: rows of the item, or their numbers.
      axes: number of axes of the item's array, including that of the rows.
    """
    # Rows of frames have as many axes as a stack of frames. All other rows have one
    # axis more than their observation.
    if axes == len(spec.shape):
        stack = spec.shape[0]
        return rows[:stack], rows[-stack:]
    return rows[0], rows[-1]


class Unpacker:
    """Turns items into the columns of their table's signature.

    Attributes:
      observation: specs of the leaves of an observation as it is sampled; empty if the
        items are not transitions.
    """

    def __init__(self, signature: Any) -> None:
        """Takes the signature of a table, of transitions or of anything else."""
        self._columns = len(tree.flatten(signature))
        self._is_transition = getattr(signature, "_fields", ()) == Transition._fields
        self.observation: list[specs.Array] = []
        self._step: list[specs.Array] = []
        if self._is_transition:
            self.observation = tree.flatten(signature.observation)
            self._step = [
                *tree.flatten(signature.action),
                signature.reward,
                signature.discount,
            ]

    def is_packed(self, columns: int) -> bool:
        """Returns whether items with so many columns are transitions as stored."""
        return self._is_transition and columns != self._columns

    def __call__(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        """Unpacks items.

        Args:
          items: `n` of them, each the list of its columns: those of the signature, or
            those of a stored transition. A checkpoint of replay may hold both, as
            earlier versions stored transitions column by column.

        Returns:
          Arrays `[n, ...]`, the leaves of the signature.
        """
        packed = [self.is_packed(len(x)) for x in items]
        if all(packed):
            return self._unpack(items)
        if not any(packed):
            return [np.stack(column) for column in zip(*items, strict=True)]
        parts = [self([item]) for item in items]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _unpack(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        *observations, steps = zip(*items, strict=True)
        starts, ends = [], []
        for spec, column in zip(self.observation, observations, strict=True):
            shape = (len(items), *spec.shape)
            start, end = (np.empty(shape, spec.dtype) for _ in range(2))
            for i, rows in enumerate(column):
                start[i], end[i] = first_and_last(spec, rows, rows.ndim)
            starts.append(start)
            ends.append(end)
        return [*starts, *self.unpack_steps(np.stack(steps)), *ends]

    def unpack_steps(self, steps: np.ndarray) -> list[np.ndarray]:
        """Unpacks what `pack_step` packed.

        Args:
          steps: `uint8 [n, bytes]`.

        Returns:
          Arrays `[n, ...]`: the leaves of the action, reward and discount.
        """
        columns, begin = [], 0
        for spec in self._step:
            stop = begin + spec.dtype.itemsize * int(np.prod(spec.shape))
            # A view needs its last axis contiguous.
            column = np.ascontiguousarray(steps[:, begin:stop]).view(spec.dtype)
            columns.append(column.reshape(len(steps), *spec.shape))
            begin = stop
        return columns
