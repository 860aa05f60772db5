"""Figure 10's measures as the MoE paper's authors compute them.

Their code is `log_network_statistics` of `labs/moes/agents/full_rainbow_moe_agent.py`
in dopamine-rl 4.1.2. Results have the names that they log.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from acme_moe.diagnostics.matrices import numerical_rank

THRESHOLDS = (0.0, 0.001, 0.01)
"""Thresholds of the ranks, as shares of the largest singular value, and of dormancy."""


def hidden_statistics(hidden: jax.Array) -> dict[str, jax.Array]:
    """Measures the hidden activations of the penultimate layer.

    A unit is measured by the variance of its activation over the batch. In a mixture, a
    unit counts once for each slot of its expert, whether or not the slot is filled.

    Args:
      hidden: `[B, H]` of a dense layer, or `[B, E, S, H]` of the experts.

    Returns:
      Scalars:
        `feature_norm`: Euclidean norm over `H` of the variances; mean over experts
          and slots.
        `srank_0.0` and so on: number of singular values of `[B, H]` above that share of
          the largest. For a mixture, number of those of the matrices `[S, H]` of all
          examples and experts together, up to `B * E * min(S, H)`.
        `dormant_0.0` and so on: number of units whose variance is at most that.
        `dormant_share_0.0` and so on: the same, divided by the number of units.
    """
    hidden = hidden.astype(jnp.float32)
    variances = jnp.var(hidden, axis=0)
    results = {"feature_norm": jnp.mean(jnp.linalg.norm(variances, axis=-1))}
    for t in THRESHOLDS:
        is_dormant = variances <= t
        results[f"srank_{t}"] = numerical_rank(hidden, t)
        results[f"dormant_{t}"] = jnp.sum(is_dormant)
        results[f"dormant_share_{t}"] = jnp.mean(is_dormant)
    return results


def kernel_statistics(kernel: jax.Array) -> dict[str, jax.Array]:
    """Measures an empirical NTK of the loss, which is not normalised in any way.

    Args:
      kernel: `[n, n]`, of the unweighted losses of single transitions.

    Returns:
      Scalars:
        `entk_srank_0.0` and so on: singular values above that share of the largest.
        `entk_diagonal_mean`, `entk_diagonal_std`: squared gradient norms.
        `entk_off_diagonal_mean`: 0 of a single transition.
        `entk_negative_frac`, `entk_positive_frac`: share of the entries below and
          above 0, the diagonal included.
    """
    n = kernel.shape[0]
    diagonal = jnp.diagonal(kernel)
    others = kernel - jnp.diag(diagonal)
    return {
        **{f"entk_srank_{t}": numerical_rank(kernel, t) for t in THRESHOLDS},
        "entk_diagonal_mean": jnp.mean(diagonal),
        "entk_diagonal_std": jnp.std(diagonal),
        "entk_off_diagonal_mean": jnp.sum(others) / max(1, n * (n - 1)),
        "entk_negative_frac": jnp.mean(kernel < 0),
        "entk_positive_frac": jnp.mean(kernel > 0),
    }


def value_statistics(
    params: Any, losses: jax.Array, q_values: jax.Array
) -> dict[str, jax.Array]:
    """Measures parameters, losses and Q-values, which the authors log as well.

    Args:
      params: nest of parameters.
      losses: `[B]`, of single transitions, unweighted.
      q_values: `[B, A]`.

    Returns:
      Scalars `param_norm`, which is the sum of all squared parameters;
      `td_error_mean` and `td_error_var`, which are of the losses; `q_mean`, `q_std`.
    """
    squares = [jnp.sum(jnp.square(x)) for x in jax.tree.leaves(params)]
    return {
        "param_norm": sum(squares, start=jnp.zeros(())),
        "td_error_mean": jnp.mean(losses),
        "td_error_var": jnp.var(losses),
        "q_mean": jnp.mean(q_values),
        "q_std": jnp.std(q_values),
    }
