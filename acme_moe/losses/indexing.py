"""Selects the entries of the actions taken from arrays over all actions."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def index_by_action(values: jax.Array, actions: jax.Array, axis: int = -1) -> jax.Array:
    """Selects the entries of one action for each example.

    Args:
      values: `[B, ..., A, ...]`, such as Q-values `[B, A]`, quantiles `[B, N, A]` or
        logits `[B, A, N]`.
      actions: `[B]` int, the action of each example.
      axis: the axis of the actions.

    Returns:
      The values of these actions, without that axis.
    """
    index = actions.reshape(-1, *[1] * (values.ndim - 1))
    return jnp.take_along_axis(values, index, axis=axis).squeeze(axis)
