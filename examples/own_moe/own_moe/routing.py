"""A mixture of experts: expert choice routing (Zhou et al., 2022).

Each expert takes the tokens that it scores highest. So all experts are full, and a
token may be served by several experts or by none.
"""

import dataclasses

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe import validation
from acme_moe.networks import layers
from acme_moe.networks.interfaces import ExpertSpec
from acme_moe.networks.outputs import Mixed, MoEOutput


@dataclasses.dataclass(frozen=True)
class ExpertChoice:
    """Each expert takes the `top_k` tokens that it scores highest.

    Attributes:
      top_k: tokens that an expert takes; None for as many as its slots.
    """

    top_k: int | None = None

    def __post_init__(self) -> None:
        if self.top_k is not None:
            validation.at_least("top_k", self.top_k, 1)

    def __call__(self, tokens: jax.Array, experts: ExpertSpec) -> Mixed:
        """Mixes tokens `[B, m, d]`."""
        router = hk.Linear(experts.num_experts, with_bias=False, name="router")
        logits = router(layers.at_least_float32(tokens))
        gates = jax.nn.softmax(logits)  # [B, m, E]
        top_k = min(self.top_k or experts.num_slots, tokens.shape[1])
        scores, chosen = jax.lax.top_k(gates.swapaxes(1, 2), top_k)  # [B, E, S]
        dispatch = jax.nn.one_hot(chosen, tokens.shape[1], axis=1)  # [B, m, E, S]
        combine = dispatch * scores[:, None]
        slots = jnp.einsum("bmes,bmd->ebsd", dispatch.astype(tokens.dtype), tokens)
        outputs, hidden = experts.make_experts()(slots)
        mixed = jnp.einsum("bmes,ebsd->bmd", combine.astype(tokens.dtype), outputs)
        # For logs and diagnostics: a token that several experts serve is shared.
        served = dispatch.sum(axis=-1)
        times = served.sum(axis=-1)
        moe = MoEOutput(
            dispatch_weights=dispatch,
            combine_weights=combine,
            logits=logits,
            probabilities=gates,
            load=(served / jnp.maximum(times, 1)[..., None]).mean(axis=1),
            dropped=(times == 0).mean(axis=1, dtype=jnp.float32),
        )
        return Mixed(mixed, hidden.swapaxes(0, 1), moe)
