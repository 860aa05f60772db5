"""The layout of observations in replay, and their decoding.

An observation with a `StackedFrames` spec is stored as its newest frame alone,
`[height, width]`; an item refers to the frames of its stack, so that each is held
once however many items use it. Sampled, such an observation is `[B, stack, height,
width]`, and `decode_frames` brings it back to `[B, height, width, stack]` inside
the jitted update, where that costs nothing that can be measured. A sequence of T of
them is `[B, T + stack - 1, height, width]`, which `decode_frame_sequences` stacks.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import tree
from dm_env import specs

from acme_moe.specs import StackedFrames


def stack_size(observation_spec: Any) -> int:
    """Returns the most rows that a stored observation can need: 1 without frames."""
    leaves = tree.flatten(observation_spec)
    return max(
        (spec.stack for spec in leaves if isinstance(spec, StackedFrames)), default=1
    )


def newest(observation_spec: Any, observation: Any) -> Any:
    """Returns what is stored of one observation: its newest frame if it is a stack."""

    def stored(spec: specs.Array, x: Any) -> np.ndarray:
        if isinstance(spec, StackedFrames):
            return np.ascontiguousarray(x[..., -1])
        # A column has one dtype, and not every wrapper keeps to that of its spec.
        return np.asarray(x, spec.dtype)

    return tree.map_structure(stored, observation_spec, observation)


def blank(observation_spec: Any) -> Any:
    """Returns zeros of the shape in which one observation is stored."""

    def zeros(spec: specs.Array) -> np.ndarray:
        stored = spec.frame if isinstance(spec, StackedFrames) else spec
        return np.zeros(stored.shape, stored.dtype)

    return tree.map_structure(zeros, observation_spec)


def stored_shape(spec: specs.Array) -> tuple[int, ...]:
    """Returns the shape of a sampled observation without its batch axis."""
    if isinstance(spec, StackedFrames):
        return (spec.stack, *spec.frame.shape)
    return spec.shape


def stored_sequence_shape(spec: specs.Array, steps: int) -> tuple[int, ...]:
    """Returns the shape of a sampled sequence of observations, without batch axis."""
    if isinstance(spec, StackedFrames):
        return (steps + spec.stack - 1, *spec.frame.shape)
    return (steps, *spec.shape)


def decode_frames(observation_spec: Any, observation: Any) -> Any:
    """Turns sampled observations into what the environment emitted.

    Args:
      observation_spec: nest of the environment's specs.
      observation: nest of the same structure, of sampled observations `[B, ...]`.

    Returns:
      The nest, with stacks of frames as `[B, height, width, stack]`.
    """
    return tree.map_structure(
        lambda spec, x: (
            jnp.moveaxis(x, 1, -1) if isinstance(spec, StackedFrames) else x
        ),
        observation_spec,
        observation,
    )


def decode_frame_sequences(observation_spec: Any, observation: Any) -> Any:
    """Turns sampled sequences of observations into what the environment emitted.

    Args:
      observation_spec: nest of the environment's specs.
      observation: nest of the same structure, of sampled observations `[B, T, ...]`, or
        `[B, T + stack - 1, height, width]` for frames.

    Returns:
      The nest, with stacks of frames as `[B, T, height, width, stack]`.
    """

    def stacked(spec: specs.Array, x: Any) -> Any:
        if not isinstance(spec, StackedFrames):
            return x
        steps = x.shape[1] - spec.stack + 1
        return jnp.stack([x[:, i : i + steps] for i in range(spec.stack)], axis=-1)

    return tree.map_structure(stacked, observation_spec, observation)
