"""Munchausen reinforcement learning: the log-policy is part of the reward.

Vieillard et al. (2020), "Munchausen Reinforcement Learning".
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from acme_moe.loss_settings import Munchausen
from acme_moe.losses.indexing import index_by_action


def munchausen_rewards(
    r_t: jax.Array, q_tm1_target: jax.Array, a_tm1: jax.Array, settings: Munchausen
) -> jax.Array:
    """Adds the scaled and clipped log-policy of the actions taken to rewards.

    Args:
      r_t: `[B]`.
      q_tm1_target: `[B, A]`, the target network's Q-values of the states.
      a_tm1: `[B]` int, the actions taken.
      settings: temperature, clip and factor.

    Returns:
      `[B]`.
    """
    logs = _scaled_log_policy(q_tm1_target, settings.temperature)
    taken = index_by_action(logs, a_tm1)
    return r_t + settings.alpha * jnp.clip(taken, settings.clip, 0.0)


def soft_values(q_t: jax.Array, values: jax.Array, settings: Munchausen) -> jax.Array:
    """Computes expectations under the softmax policy, with its entropy.

    Args:
      q_t: `[B, A]`, Q-values from which the policy is made.
      values: `[B, ..., A]`, what is averaged over the actions: the Q-values again, or
        quantiles.
      settings: the temperature.

    Returns:
      `[B, ...]`.
    """
    logs = _scaled_log_policy(q_t, settings.temperature)
    policy = jnp.exp(logs / settings.temperature)
    extra = values.ndim - q_t.ndim
    shape = (q_t.shape[0], *[1] * extra, q_t.shape[-1])
    return jnp.sum(policy.reshape(shape) * (values - logs.reshape(shape)), axis=-1)


def _scaled_log_policy(q_values: jax.Array, temperature: float) -> jax.Array:
    """Computes temperature times the log of a softmax policy, over the last axis."""
    return temperature * jax.nn.log_softmax(q_values / temperature, axis=-1)
