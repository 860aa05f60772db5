"""Gradual magnitude pruning, as a wrapper of an optimiser.

Zhu and Gupta (2017), "To prune, or not to prune", as Obando-Ceron et al. (2024), "In
value-based deep reinforcement learning, a pruned network is a good network", prune the
networks of value-based agents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from acme_moe import validation


class PruningState(NamedTuple):
    """State of the wrapper.

    Attributes:
      inner: the wrapped optimiser's.
      steps: `int32 []`, updates so far.
      masks: as the parameters, bool, False where a weight is pruned.
    """

    inner: optax.OptState
    steps: jax.Array
    masks: Any


def pruned(
    optimizer: optax.GradientTransformation,
    *,
    sparsity: float,
    start: int,
    end: int,
    period: int,
) -> optax.GradientTransformation:
    """Wraps an optimiser so that the smallest weights become zero and stay so.

    Each layer is pruned to the same share, by the magnitude of its weights, which are
    the arrays with at least two axes that are not biases. What is pruned stays pruned:
    pruned weights count as the smallest when weights are chosen anew. Of noisy layers,
    means and standard deviations are pruned apart, so that a connection whose mean is
    zero may still carry noise in training.

    Args:
      optimizer: moves the parameters.
      sparsity: share of each layer's weights that is zero in the end.
      start: number of updates before pruning starts.
      end: number of updates after which `sparsity` is reached.
      period: number of updates between two choices of the weights to prune.

    Returns:
      A transformation whose `update` needs the parameters.

    Raises:
      ValueError: names the first number that is not accepted.
    """
    validation.between("sparsity", sparsity, 0, 1)
    validation.at_least("end", end, start + 1)
    validation.at_least("period", period, 1)
    schedule = sparsity_schedule(sparsity, start, end)

    def init(params: Any) -> PruningState:
        masks = jax.tree.map(lambda x: jnp.ones(x.shape, bool), params)
        return PruningState(optimizer.init(params), jnp.zeros((), jnp.int32), masks)

    def update(
        updates: Any, state: PruningState, params: Any = None
    ) -> tuple[Any, PruningState]:
        updates, inner = optimizer.update(updates, state.inner, params)
        steps = state.steps + 1
        moved = optax.apply_updates(params, updates)
        chosen = ((steps - start) % period == 0) | (steps == end)
        masks = jax.lax.cond(
            chosen & (steps >= start) & (steps <= end),
            lambda masks: _choose(masks, moved, schedule(steps)),
            lambda masks: masks,
            state.masks,
        )
        updates = jax.tree.map(
            lambda mask, u, x: jnp.where(mask, u, -x), masks, updates, params
        )
        return updates, PruningState(inner, steps, masks)

    return optax.GradientTransformation(init, update)


def sparsity_schedule(
    sparsity: float, start: int, end: int
) -> Callable[[jax.Array], jax.Array]:
    """Returns the share that is pruned after a number of updates.

    `s (1 - (1 - (t - start) / (end - start))^3)` between `start` and `end` (Zhu and
    Gupta, 2017, from an initial sparsity of 0).
    """

    def share(steps: jax.Array) -> jax.Array:
        left = jnp.clip((end - steps) / (end - start), 0.0, 1.0)
        return sparsity * (1.0 - left**3)

    return share


def _choose(masks: Any, params: Any, share: jax.Array) -> Any:
    """Prunes the given share of each layer's weights, including those pruned before."""

    def choose(path: Any, mask: jax.Array, x: jax.Array) -> jax.Array:
        if not _is_weight(path, x):
            return mask
        magnitude = jnp.where(mask, jnp.abs(x), -1.0).ravel()
        rank = jnp.argsort(jnp.argsort(magnitude)).reshape(x.shape)
        return mask & (rank >= jnp.round(share * x.size))

    return jax.tree_util.tree_map_with_path(choose, masks, params)


def _is_weight(path: Any, x: jax.Array) -> bool:
    # Biases of experts have two axes, too.
    name = str(getattr(path[-1], "key", "")) if path else ""
    return x.ndim > 1 and name not in ("b", "b_sigma")
