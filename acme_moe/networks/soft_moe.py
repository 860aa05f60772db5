"""Soft mixture of experts.

Puigcerver et al. (2023), "From Sparse to Soft Mixtures of Experts"; section 2.2 of the
MoE paper.
"""

from __future__ import annotations

import dataclasses

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import layers
from acme_moe.networks.experts import Experts
from acme_moe.networks.interfaces import ExpertSpec, LayerFactory
from acme_moe.networks.outputs import Mixed, MoEOutput
from acme_moe.networks.xla_cpu import matmul, softmax

_NORM_EPSILON = 1e-6


def l2_normalize(x: jax.Array, axis: int) -> jax.Array:
    """Divides by the l2 norm plus 1e-6; zeros stay zeros, with a zero gradient."""
    square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
    # The square root has no gradient at 0, where a token of ReLUs may well be.
    norm = jnp.sqrt(jnp.where(square > 0, square, 1.0))
    return x / (jnp.where(square > 0, norm, 0.0) + _NORM_EPSILON)


def dispatch_and_combine(logits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Computes softmaxes over the tokens, and over the slots of all experts.

    Args:
      logits: `[B, m, S]`.

    Returns:
      Dispatch weights and combine weights, each `[B, m, S]`.
    """
    return softmax(logits, axis=1), softmax(logits)


@dataclasses.dataclass(eq=False)
class SlotLogits(hk.Module):
    """Logits of tokens and slots, `X Phi`: `[B, m, d] -> [B, m, experts * slots]`.

    Attributes:
      num_experts: number of experts.
      num_slots: slots of an expert.
      normalization: whether tokens and the columns of Phi are l2-normalised, and Phi is
        multiplied by a learned scalar (Puigcerver et al., 2023, section 2.3).
      phi: `learned`, from a LeCun normal start, or random and not trained: `fixed` is
        a parameter that no gradient reaches, so it is drawn once and saved with the
        others; `redrawn` is drawn at each call and needs a random key in evaluation
        too.
      name: the module's name.
    """

    num_experts: int
    num_slots: int
    normalization: bool = False
    phi: str = "learned"
    name: str = "slot_logits"

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Computes the logits, at least in float32."""
        tokens = layers.at_least_float32(tokens)
        size, dtype = tokens.shape[-1], tokens.dtype
        shape = (size, self.num_experts, self.num_slots)
        if self.phi == "redrawn":
            phi = jax.random.normal(hk.next_rng_key(), shape).astype(dtype)
        elif self.phi == "fixed":
            normal = hk.initializers.RandomNormal()
            phi = layers.get_parameter("phi", shape, dtype, normal)
            phi = jax.lax.stop_gradient(phi)
        else:
            # Fans are counted as for a convolution over the token's entries.
            init = layers.lecun_normal(size * self.num_experts)
            phi = layers.get_parameter("phi", shape, dtype, init)
        phi = phi.reshape(size, -1)
        if self.normalization:
            scale = layers.get_parameter("scale", (), dtype, jnp.ones)
            tokens = l2_normalize(tokens, axis=-1)
            phi = scale * l2_normalize(phi, axis=0)
        logits = matmul(tokens.reshape(-1, size), phi)
        return logits.reshape(*tokens.shape[:-1], phi.shape[-1])


@dataclasses.dataclass(eq=False)
class SoftMoE(hk.Module):
    """Soft mixture of experts over tokens.

    Attributes:
      num_experts: number of experts.
      num_slots: slots of an expert.
      hidden_units: units of an expert's hidden layer.
      hidden_dense: makes that layer; see `Experts`.
      normalization: see `SlotLogits`.
      phi: see `SlotLogits`.
      name: the module's name.
    """

    num_experts: int
    num_slots: int
    hidden_units: int
    hidden_dense: LayerFactory = layers.Dense
    normalization: bool = False
    phi: str = "learned"
    name: str = "moe"

    def __call__(self, tokens: jax.Array) -> Mixed:
        """Mixes tokens `[B, m, d]` into slots, applies the experts, mixes back."""
        num_experts, num_slots = self.num_experts, self.num_slots
        batch, num_tokens, size = tokens.shape
        to_logits = SlotLogits(num_experts, num_slots, self.normalization, self.phi)
        logits = to_logits(tokens)
        dispatch, combine = dispatch_and_combine(logits)
        mixed = jnp.einsum("bms,bmd->bsd", dispatch.astype(tokens.dtype), tokens)
        slots = mixed.reshape(batch, num_experts, num_slots, size).swapaxes(0, 1)
        experts = Experts(num_experts, self.hidden_units, self.hidden_dense)
        outputs, hidden = experts(slots)
        outputs = outputs.swapaxes(0, 1).reshape(batch, -1, size)
        new_tokens = combine.astype(tokens.dtype) @ outputs
        by_expert = (batch, num_tokens, num_experts, num_slots)
        moe = soft_output(
            logits.reshape(by_expert),
            dispatch.reshape(by_expert),
            combine.reshape(by_expert),
        )
        return Mixed(new_tokens, hidden.swapaxes(0, 1), moe)


@dataclasses.dataclass(frozen=True)
class Soft:
    """The mixture `soft`: `SoftMoE` with a network's settings.

    Attributes:
      normalization: see `SlotLogits`.
      phi: see `SlotLogits`.
    """

    normalization: bool
    phi: str

    def __call__(self, tokens: jax.Array, experts: ExpertSpec) -> Mixed:
        """Mixes tokens `[B, m, d]`."""
        layer = SoftMoE(
            experts.num_experts,
            experts.num_slots,
            experts.hidden_units,
            experts.hidden_dense,
            self.normalization,
            self.phi,
        )
        return layer(tokens)


def soft_output(
    logits: jax.Array, dispatch: jax.Array, combine: jax.Array
) -> MoEOutput:
    """Makes a soft mixture's `MoEOutput`; arguments `[B, m, experts, slots]`."""
    return MoEOutput(
        dispatch_weights=dispatch,
        combine_weights=combine,
        logits=logits,
        probabilities=combine.mean(axis=-1),
        load=combine.sum(axis=-1).mean(axis=1),
        dropped=jnp.zeros(combine.shape[:1], combine.dtype),
    )
