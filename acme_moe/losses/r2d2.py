"""The loss of R2D2 and its part in prioritised replay, on sequences.

Kapturowski et al. (2019), "Recurrent Experience Replay in Distributed Reinforcement
Learning", section 2.3. Everything is time-major, `[T, B, ...]`.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import rlax


def transformed_n_step_errors(
    q_tm1: jax.Array,
    a_tm1: jax.Array,
    r_t: jax.Array,
    discount_t: jax.Array,
    q_t_value: jax.Array,
    q_t_selector: jax.Array,
    mask: jax.Array,
    n_step: int,
) -> jax.Array:
    """Computes errors of n-step double Q-learning under signed hyperbolic rescaling.

    The networks predict values that are rescaled by `h(x) = sign(x)(sqrt(|x| + 1) - 1)
    + 0.001 x` (Pohlen et al., 2018). A target is `h` of the return that bootstraps from
    `h^-1` of a predicted value.

    A return ends after `n_step` steps, at the sequence's last step, or at the last
    step that took place, whichever is first, and bootstraps there unless a discount
    of 0 says that the episode ended. So a truncated episode bootstraps from its last
    observation, and the padding after it has no effect.

    Args:
      q_tm1: `[T, B, A]`, Q-values of the observations at which the actions were taken.
      a_tm1: `[T, B]` int, the actions.
      r_t: `[T, B]`, their rewards.
      discount_t: `[T, B]`, their discounts, 0 where the episode ended.
      q_t_value: `[T, B, A]`, Q-values of the observations one step later, from which
        the targets are made.
      q_t_selector: `[T, B, A]`, Q-values that choose the actions there.
      mask: `[T, B]` bool, whether the step took place: at least the first one of each
        sequence, and none after the first that did not.
      n_step: steps of a return.

    Returns:
      `[T, B]`, target minus prediction, 0 where there was no step; no gradient passes
      through the targets.
    """
    last = jnp.sum(mask, axis=0) - 1
    until_last = jnp.minimum(jnp.arange(mask.shape[0])[:, None], last)

    def held(x: jax.Array) -> jax.Array:
        index = until_last.reshape(*mask.shape, *(1,) * (x.ndim - 2))
        return jnp.take_along_axis(x, index, axis=0)

    # As rlax does past a sequence's end: reward 0, discount 1, the last value.
    errors = jax.vmap(
        functools.partial(
            rlax.transformed_n_step_q_learning,
            n=n_step,
            tx_pair=rlax.SIGNED_HYPERBOLIC_PAIR,
        ),
        in_axes=1,
        out_axes=1,
    )(
        q_tm1,
        a_tm1,
        held(q_t_value),
        held(jnp.argmax(q_t_selector, axis=-1)),
        jnp.where(mask, r_t, 0.0),
        jnp.where(mask, discount_t, 1.0),
    )
    return jnp.where(mask, errors, 0.0)


def sequence_losses(errors: jax.Array) -> jax.Array:
    """Sums half the squared errors of each sequence, `[T, B] -> [B]`."""
    return 0.5 * jnp.sum(jnp.square(errors), axis=0)


def sequence_priorities(
    errors: jax.Array, mask: jax.Array, max_weight: float
) -> jax.Array:
    """Computes new priorities, a mixture of the largest and the mean absolute error.

    Args:
      errors: `[T, B]`.
      mask: `[T, B]` bool, the steps that count, at least one of each sequence.
      max_weight: weight of the largest error, 0.9 in the paper; the mean has the rest.

    Returns:
      `[B]`.
    """
    size = jnp.abs(errors)
    largest = jnp.max(size, axis=0, where=mask, initial=0.0)
    mean = jnp.mean(size, axis=0, where=mask)
    return max_weight * largest + (1 - max_weight) * mean
