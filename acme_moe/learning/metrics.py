"""The scalars that an update logs, by name."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp


def joined(
    metrics: Mapping[str, jax.Array], more: Mapping[str, jax.Array]
) -> dict[str, jax.Array]:
    """Returns metrics with more of them.

    Raises:
      ValueError: if one of them has a name that is taken.
    """
    for name in more:
        if name in metrics:
            raise ValueError(
                f"metrics: {name!r} is measured twice; another name is accepted"
            )
    return {**metrics, **more}


def check_numbers(metrics: Mapping[str, jax.Array]) -> None:
    """Refuses a metric that is an array: a log has one column for each.

    Raises:
      ValueError: names it and its shape.
    """
    for name, value in metrics.items():
        if jnp.ndim(value):
            raise ValueError(
                f"metrics: {name!r} has shape {jnp.shape(value)}; one number each"
            )
