"""Stacks of frames kept on a device, to which only the newest frames are sent.

An observation with a `StackedFrames` spec is the previous one, moved by one frame, so
the newest frame is all that has to be transferred: 7 of the 28 kB of an Atari game's
observation.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.specs import StackedFrames


def blank_stacks(observation_spec: Any, batch_size: int) -> Any:
    """Returns the stacks before the first observations.

    Args:
      observation_spec: nest of the environment's specs.
      batch_size: number of environments.

    Returns:
      The nest with stacks `uint8 [B, height, width, stack]`, `()` for all else.
    """

    def blank(spec: Any) -> Any:
        if isinstance(spec, StackedFrames):
            return np.zeros((batch_size, *spec.shape), spec.dtype)
        return ()

    return jax.tree.map(blank, observation_spec)


def push(
    observation_spec: Any, stacks: Any, newest: Any, first: jax.Array
) -> tuple[Any, Any]:
    """Adds the newest frames.

    Args:
      observation_spec: nest of the environment's specs.
      stacks: as `blank_stacks`, or this function before, returned them.
      newest: nest of frames `[B, height, width]`, and of whole observations `[B, ...]`
        where they are not stacked.
      first: `bool [B]`, whether an episode starts, so that earlier frames are blank.

    Returns:
      The new stacks, and the nest of observations `[B, ...]`.
    """

    def pushed(spec: Any, stack: Any, x: Any) -> Any:
        if not isinstance(spec, StackedFrames):
            return x
        earlier = jnp.where(first[:, None, None, None], 0, stack[..., 1:])
        return jnp.concatenate([earlier, x[..., None]], axis=-1)

    observation = jax.tree.map(pushed, observation_spec, stacks, newest)
    kept = jax.tree.map(
        lambda spec, x: x if isinstance(spec, StackedFrames) else (),
        observation_spec,
        observation,
    )
    return kept, observation
