"""Mixture with expert choice routing (Zhou et al., 2022)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from acme_moe.networks import layers
from acme_moe.networks.interfaces import ExpertSpec
from acme_moe.networks.outputs import Mixed, MoEOutput
from acme_moe.networks.top1_moe import Router


@dataclasses.dataclass(frozen=True)
class ExpertChoice:
    """The mixture `expert_choice`: each expert takes the tokens that it scores highest.

    Zhou et al. (2022), "Mixture-of-Experts with Expert Choice Routing". A linear router
    without bias and a softmax over the experts score the tokens. Each expert takes as
    many of the tokens that it scores highest as it has slots, so that all experts are
    full. A new token is the sum of the outputs of the experts that took the token,
    weighted by its scores with them; it is zero if none did. The paper's capacity
    factor is 2, `capacity_factor=2`.
    """

    def __call__(self, tokens: jax.Array, experts: ExpertSpec) -> Mixed:
        """Routes tokens `[B, m, d]`: `min(num_slots, m)` of them to each expert."""
        with layers.scope("moe"):
            return _route(tokens, experts)


def _route(tokens: jax.Array, experts: ExpertSpec) -> Mixed:
    logits = Router(experts.num_experts)(tokens)
    scores = jax.nn.softmax(logits, axis=-1)
    num_slots = min(experts.num_slots, tokens.shape[1])
    dispatch = choose(scores, num_slots)
    combine = dispatch * scores[..., None]
    slots = jnp.einsum("bmes,bmd->ebsd", dispatch.astype(tokens.dtype), tokens)
    outputs, hidden = experts.make_experts()(slots)
    mixed = jnp.einsum("bmes,ebsd->bmd", combine.astype(tokens.dtype), outputs)
    # A token that k experts serve counts as 1/k of a token for each of them.
    served = dispatch.sum(axis=-1)
    times = served.sum(axis=-1, keepdims=True)
    moe = MoEOutput(
        dispatch_weights=dispatch,
        combine_weights=combine,
        logits=logits,
        probabilities=scores,
        load=(served / jnp.maximum(times, 1.0)).mean(axis=1),
        dropped=(times[..., 0] == 0).mean(axis=1, dtype=scores.dtype),
    )
    return Mixed(mixed, hidden.swapaxes(0, 1), moe)


def choose(scores: jax.Array, num_slots: int) -> jax.Array:
    """Gives each expert the tokens that it scores highest.

    Args:
      scores: `[B, m, E]`.
      num_slots: tokens that an expert takes, at most `m`.

    Returns:
      `[B, m, E, S]`, 1 where a token fills a slot, else 0; of tokens with equal scores,
      the first is taken.
    """
    _, chosen = jax.lax.top_k(scores.swapaxes(1, 2), num_slots)
    return jax.nn.one_hot(chosen, scores.shape[1], dtype=scores.dtype, axis=1)
