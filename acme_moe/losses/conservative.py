"""The regulariser of conservative Q-learning."""

from __future__ import annotations

import jax

from acme_moe.losses.indexing import index_by_action


def conservative_losses(q_tm1: jax.Array, a_tm1: jax.Array) -> jax.Array:
    """Computes how far the Q-values' log-sum-exp exceeds the taken action's Q-value.

    `logsumexp(Q(s, .)) - Q(s, a)` (Kumar et al., 2020, equation 4), which is the
    cross-entropy of the softmax policy to the data's action.

    Args:
      q_tm1: `[B, A]`, Q-values of the states.
      a_tm1: `[B]` int, the actions taken.

    Returns:
      `[B]`.
    """
    return jax.nn.logsumexp(q_tm1, axis=-1) - index_by_action(q_tm1, a_tm1)
