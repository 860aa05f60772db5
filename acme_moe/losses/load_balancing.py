"""Losses that spread tokens over the experts of a top-1 mixture.

Riquelme et al. (2021), "Scaling Vision with Sparse Mixture of Experts", appendix A.2.
Both count within each example and are averaged over the batch.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def importance_loss(
    probabilities: jax.Array, mask: jax.Array | None = None
) -> jax.Array:
    """Measures how unevenly probability is spread over experts (equations 7 and 8).

    Args:
      probabilities: `[B, m, E]`, the router's probabilities.
      mask: `[B]` bool, the examples that count; all of them if None.

    Returns:
      A scalar, the mean of the squared coefficients of variation.
    """
    return jnp.mean(_squared_variation(jnp.sum(probabilities, axis=1)), where=mask)


def load_loss(
    logits: jax.Array,
    noise: jax.Array,
    noise_stddev: float,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Measures how unequal the experts' chances to be chosen are (equations 10 to 13).

    A token's chance to choose an expert is the probability that the expert's logit,
    with new noise, exceeds the largest noisy logit.

    Args:
      logits: `[B, m, E]`, the router's logits without noise.
      noise: `[B, m, E]`, standard normal draws.
      noise_stddev: standard deviation of the noise.
      mask: `[B]` bool, the examples that count; all of them if None.

    Returns:
      A scalar, the mean of the squared coefficients of variation.
    """
    threshold = jnp.max(logits + noise_stddev * noise, axis=-1, keepdims=True)
    chances = jax.scipy.stats.norm.sf((threshold - logits) / noise_stddev)
    return jnp.mean(_squared_variation(jnp.mean(chances, axis=1)), where=mask)


def load_balancing_loss(
    key: jax.Array,
    logits: jax.Array,
    probabilities: jax.Array,
    importance_weight: float,
    load_weight: float,
    load_noise: float = 1.0,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Computes the weighted sum of both losses, to be added to an agent's loss.

    A loss of weight zero is not computed.

    Args:
      key: for the load loss's noise.
      logits: `[B, m, E]`, the router's logits without noise.
      probabilities: `[B, m, E]`, the router's probabilities, with its noise if it has
        any, as in the authors' code.
      importance_weight: weight of `importance_loss`.
      load_weight: weight of `load_loss`.
      load_noise: standard deviation of the noise, times the number of experts.
      mask: `[B]` bool, the examples that count; all of them if None.

    Returns:
      A scalar.
    """
    total = jnp.zeros((), logits.dtype)
    if importance_weight:
        total += importance_weight * importance_loss(probabilities, mask)
    if load_weight:
        noise = jax.random.normal(key, logits.shape, logits.dtype)
        stddev = load_noise / logits.shape[-1]
        total += load_weight * load_loss(logits, noise, stddev, mask)
    return total


def _squared_variation(x: jax.Array) -> jax.Array:
    """Computes the squared coefficient of variation along the last axis.

    Uses the variance, as the standard deviation has no finite gradient where all
    experts are equal.
    """
    return jnp.var(x, axis=-1) / jnp.square(jnp.mean(x, axis=-1))
