"""Branches that the host need not wait for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

NestT = TypeVar("NestT")


def branch(
    predicate: jax.Array,
    if_true: Callable[..., NestT],
    if_false: Callable[..., NestT],
    *operands: Any,
) -> NestT:
    """Computes `jax.lax.cond`, or both branches if it runs on an accelerator.

    A GPU takes a branch only once the host has fetched the predicate. The host then
    waits for everything before it, and dispatches the rest when the device is idle. So
    this is for branches that cost less than that.

    Args:
      predicate: `bool []`.
      if_true: function of the operands.
      if_false: one with the same outputs, arrays of numbers or truth values.
      *operands: nests of arrays.
    """

    def both(*operands: Any) -> NestT:
        return jax.tree.map(
            lambda x, y: jnp.where(predicate, x, y),
            if_true(*operands),
            if_false(*operands),
        )

    one = functools.partial(jax.lax.cond, predicate, if_true, if_false)
    return jax.lax.platform_dependent(*operands, cpu=one, default=both)
