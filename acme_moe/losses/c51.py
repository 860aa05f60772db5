"""The categorical loss of C51 and Rainbow, and its part in prioritised replay."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import rlax

from acme_moe.losses.classification import cross_entropy
from acme_moe.losses.indexing import index_by_action

# Keeps the square root's gradient and the reciprocal finite at zero.
_EPSILON = 1e-10


def categorical_double_q_losses(
    logits_tm1: jax.Array,
    atoms: jax.Array,
    a_tm1: jax.Array,
    r_t: jax.Array,
    discount_t: jax.Array,
    logits_t_value: jax.Array,
    q_t_selector: jax.Array,
) -> jax.Array:
    """Computes the cross-entropy to C51's target (Bellemare et al., 2017, alg. 1).

    The next action has the highest value in `q_t_selector`. In double Q-learning these
    values are the online network's, as in Rainbow (Hessel et al., 2018).

    Args:
      logits_tm1: `[B, A, N]`, distributions at the states.
      atoms: `[N]`, the support of all distributions.
      a_tm1: `[B]` int, the actions taken.
      r_t: `[B]`, rewards; for several steps, their discounted sum.
      discount_t: `[B]`, the discount of the next state, 0 where the episode ended.
      logits_t_value: `[B, A, N]`, distributions at the next states, from which the
        target is made.
      q_t_selector: `[B, A]`, Q-values that choose the next actions.

    Returns:
      `[B]`, the losses; no gradient passes through the target.
    """
    # As rlax.categorical_double_q_learning, whose cross-entropy imports distrax, and
    # with it all of TensorFlow.
    a_t = jnp.argmax(q_t_selector, axis=-1)
    probabilities_t = jax.nn.softmax(index_by_action(logits_t_value, a_t, axis=1))
    targets = projected_targets(atoms, r_t, discount_t, probabilities_t)
    return cross_entropy(index_by_action(logits_tm1, a_tm1, axis=1), targets)


def projected_targets(
    atoms: jax.Array,
    r_t: jax.Array,
    discount_t: jax.Array,
    probabilities_t: jax.Array,
) -> jax.Array:
    """Projects the distributions of `r + discount * z` back onto the atoms.

    Equation 7 of Bellemare et al. (2017).

    Args:
      atoms: `[N]`, the support.
      r_t: `[B]`, rewards.
      discount_t: `[B]`, discounts.
      probabilities_t: `[B, N]`, distributions at the next states.

    Returns:
      `[B, N]`.
    """
    moved = r_t[:, None] + discount_t[:, None] * atoms
    project = jax.vmap(rlax.categorical_l2_project, in_axes=(0, 0, None))
    return jnp.asarray(project(moved, probabilities_t, atoms))


def importance_weights(probabilities: jax.Array, exponent: float = 0.5) -> jax.Array:
    """Computes weights `1 / p^exponent`, divided by their maximum, `[B] -> [B]`.

    Schaul et al. (2016), section 3.4; Rainbow's exponent is 0.5.

    Args:
      probabilities: `[B]`, probabilities, up to a common factor, with which the
        examples were sampled.
      exponent: how much of the bias of the sampling is corrected, 1 for all of it.
    """
    weights = jnp.power(probabilities + _EPSILON, -exponent)
    return weights / jnp.max(weights)


def priorities(per_example_losses: jax.Array) -> jax.Array:
    """Computes new priorities, the square roots of the losses, `[B] -> [B]`."""
    return jnp.sqrt(per_example_losses + _EPSILON)
