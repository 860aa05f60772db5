"""Norms and ranks."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def feature_norm(features: jax.Array) -> jax.Array:
    """Computes the mean Euclidean norm of the features of a batch.

    Args:
      features: `[B, F]`.

    Returns:
      A scalar, float32.
    """
    return jnp.mean(jnp.linalg.norm(features.astype(jnp.float32), axis=-1))


def numerical_rank(matrix: jax.Array, threshold: float) -> jax.Array:
    """Counts the singular values above a share of the largest.

    The rank of figure 10 of the MoE paper, of the empirical NTK; Lyle et al. (2022,
    "Understanding and Preventing Capacity Loss in Reinforcement Learning") count the
    singular values of features above a threshold in the same way.

    Args:
      matrix: `[n, m]`, or several matrices `[..., n, m]`, whose singular values are
        pooled: both the largest and the count are taken over all of them.
      threshold: the share, in [0, 1).

    Returns:
      A scalar, int32; 0 of a matrix of zeros.
    """
    values = _singular_values(matrix)
    return jnp.sum(values > threshold * jnp.max(values))


def effective_rank(matrix: jax.Array, delta: float = 0.01) -> jax.Array:
    """Computes the srank of Kumar et al. (2021), "Implicit Under-Parameterization".

    The least number of singular values, the largest first, that sum to at least
    `1 - delta` of the sum of all (their equation 2, with 0.01).

    Args:
      matrix: `[n, m]`, such as the features of a batch.
      delta: the share that is left out.

    Returns:
      A scalar, int32; 0 of a matrix of zeros.
    """
    sums = jnp.cumsum(_singular_values(matrix))
    rank = 1 + jnp.sum(sums < (1 - delta) * sums[-1])
    return jnp.where(sums[-1] > 0, rank, 0)


def _singular_values(matrix: jax.Array) -> jax.Array:
    return jnp.linalg.svd(matrix.astype(jnp.float32), compute_uv=False)
