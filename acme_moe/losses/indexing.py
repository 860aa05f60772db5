"""What arrays hold of the actions taken."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def of_actions(values: jax.Array, actions: jax.Array, axis: int = -1) -> jax.Array:
    """Returns what an array of all actions holds of one for each example.

    Args:
      values: `[B, ..., A, ...]`, such as Q-values `[B, A]`, quantiles `[B, N, A]` or
        logits `[B, A, N]`.
      actions: `[B]` int.
      axis: that of the actions.

    Returns:
      The values without that axis.
    """
    index = actions.reshape(-1, *[1] * (values.ndim - 1))
    return jnp.take_along_axis(values, index, axis=axis).squeeze(axis)
