"""Temporal-difference errors of Q-values, and losses of an error."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import rlax


def q_learning_errors(
    q_tm1: jax.Array,
    a_tm1: jax.Array,
    r_t: jax.Array,
    discount_t: jax.Array,
    q_t_value: jax.Array,
    q_t_selector: jax.Array | None = None,
) -> jax.Array:
    """Computes errors of Q-learning (Watkins, 1989) or double Q-learning.

    Double Q-learning is that of van Hasselt (2010).

    Args:
      q_tm1: `[B, A]`, Q-values of the states.
      a_tm1: `[B]` int, the actions taken.
      r_t: `[B]`, rewards; for several steps, their discounted sum.
      discount_t: `[B]`, the discount of the next state, 0 where the episode ended.
      q_t_value: `[B, A]`, Q-values of the next states that the target is made of.
      q_t_selector: `[B, A]`, Q-values that choose the action whose value is taken
        (double Q-learning); None: `q_t_value` itself.

    Returns:
      `[B]`, target minus prediction; no gradient passes through the target.
    """
    if q_t_selector is None:
        q_t_selector = q_t_value
    errors = jax.vmap(rlax.double_q_learning)(
        q_tm1, a_tm1, r_t, discount_t, q_t_value, q_t_selector
    )
    return jnp.asarray(errors)


def huber(errors: jax.Array) -> jax.Array:
    """Computes half the square up to 1 and a linear loss beyond (Huber, 1964).

    Args:
      errors: of any shape.

    Returns:
      Losses of the same shape.
    """
    return jnp.asarray(rlax.huber_loss(errors, delta=1.0))


def squared(errors: jax.Array) -> jax.Array:
    """Computes the square, without a factor of one half; any shape."""
    return jnp.square(errors)
