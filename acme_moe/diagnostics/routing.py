"""Statistics of a mixture's routing, and of the gradients of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import entr

from acme_moe.networks import MoEOutput


def entropy(weights: jax.Array, axis: int = -1) -> jax.Array:
    """Computes the entropy of weights, in nats, after they are divided by their sum.

    Args:
      weights: not negative.
      axis: over which they are a distribution, of `n` entries.

    Returns:
      `weights` without that axis: log(n) of uniform weights, 0 of a single one and of
      zeros only.
    """
    total = jnp.sum(weights, axis=axis, keepdims=True)
    shares = weights / jnp.where(total > 0, total, 1)
    return jnp.sum(entr(shares), axis=axis)


def router_statistics(moe: MoEOutput) -> dict[str, jax.Array]:
    """Measures how the tokens of a batch were routed.

    Args:
      moe: the routing of `m` tokens of each example.

    Returns:
      Scalars:
        `load_expert_0` and so on: share of the tokens that an expert serves.
        `dropped_tokens`: share of the tokens that no expert serves.
        `dispatch_entropy`: of a slot's weights over the tokens, at most log(m); mean
          over the slots that hold any.
        `combine_entropy`: of a token's weights over the slots of all experts, at most
          log(experts * slots); mean over the tokens that are served.
        `expert_entropy`: of the router's probabilities over the experts, at most
          log(experts).
    """
    batch, tokens, experts, _ = moe.combine_weights.shape
    combine = moe.combine_weights.reshape(batch, tokens, -1)
    load = jnp.mean(moe.load, axis=0)
    return {
        **{f"load_expert_{i}": load[i] for i in range(experts)},
        "dropped_tokens": jnp.mean(moe.dropped),
        "dispatch_entropy": _mean_entropy(moe.dispatch_weights, axis=1),
        "combine_entropy": _mean_entropy(combine, axis=-1),
        "expert_entropy": _mean_entropy(moe.probabilities, axis=-1),
    }


def _mean_entropy(weights: jax.Array, axis: int) -> jax.Array:
    """Averages over the distributions that are not all zeros; 0 if there is none."""
    given = jnp.sum(weights, axis=axis) > 0
    return jnp.sum(entropy(weights, axis)) / jnp.maximum(jnp.sum(given), 1)


def gradient_norms(gradients: Any) -> dict[str, jax.Array]:
    """Computes Euclidean norms of the gradients of the router and of the experts.

    Args:
      gradients: gradients of a network with a mixture, in the form of its `hk.Params`.

    Returns:
      `router_gradient_norm` and `experts_gradient_norm`, scalars. In the variant
      `all` they are taken over all routers, and over all layers that are mixtures.
    """
    squares = {"router": jnp.zeros(()), "experts": jnp.zeros(())}
    for module, arrays in gradients.items():
        part = _part(module, arrays)
        if part is not None:
            squares[part] += sum(jnp.sum(jnp.square(x)) for x in arrays.values())
    return {f"{part}_gradient_norm": jnp.sqrt(x) for part, x in squares.items()}


def _part(module: str, arrays: Mapping[str, jax.Array]) -> str | None:
    """Returns the part of a mixture that a module belongs to, or None.

    Args:
      module: path of the module.
      arrays: its parameters, or their gradients, by name.
    """
    names = module.split("/")
    if "moe" in names:  # Anybody's mixture.
        return "experts" if "experts" in names else "router"
    if names[-1] in ("slot_logits", "router"):
        return "router"
    a_whole_network = names[0].startswith("expert_")  # In the variant `big`.
    # In the variant `all`, by its biases `[experts, outputs]`: its router need not have
    # parameters, and is numbered apart from it if an encoder names no layers.
    a_mixture = {"w", "b"} <= arrays.keys() and arrays["b"].ndim == 2
    if "experts" in names or a_whole_network or a_mixture:
        return "experts"
    return None
