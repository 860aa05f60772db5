"""Top-1 mixture of experts (Fedus et al., 2022, "Switch Transformers")."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import layers
from acme_moe.networks.experts import Experts
from acme_moe.networks.interfaces import ExpertSpec, LayerFactory
from acme_moe.networks.outputs import Mixed, MoEOutput


class Assignment(NamedTuple):
    """A partial one-to-one map of tokens to slots, and its inverse.

    Attributes:
      token_slot: `[B, m]` int32, the slot of a token among `experts * capacity`, or
        that number where the token is dropped.
      slot_token: `[B, experts * capacity]` int32, the token of a slot, or `m` where
        the slot is empty.
    """

    token_slot: jax.Array
    slot_token: jax.Array


def assign(chosen: jax.Array, num_experts: int, capacity: int) -> Assignment:
    """Gives each expert the first `capacity` of the tokens that chose it.

    Args:
      chosen: `[B, m]` int, the expert that a token chose.
      num_experts: number of experts.
      capacity: slots of an expert.

    Returns:
      The assignment; later tokens are dropped.
    """
    batch, num_tokens = chosen.shape
    choices = jax.nn.one_hot(chosen, num_experts, dtype=jnp.int32)
    before = jnp.cumsum(choices, axis=1) - choices
    rank = jnp.take_along_axis(before, chosen[..., None], axis=-1)[..., 0]
    num_slots = num_experts * capacity
    token_slot = jnp.where(rank < capacity, chosen * capacity + rank, num_slots)
    slot_token = jnp.full((batch, num_slots), num_tokens, jnp.int32)
    rows = jnp.arange(batch)[:, None]
    tokens = jnp.broadcast_to(jnp.arange(num_tokens, dtype=jnp.int32), chosen.shape)
    slot_token = slot_token.at[rows, token_slot].set(tokens, mode="drop")
    return Assignment(token_slot.astype(jnp.int32), slot_token)


@jax.custom_vjp
def move(x: jax.Array, source: jax.Array, target: jax.Array) -> jax.Array:
    """Moves rows by a partial one-to-one map; rows without a source are zero.

    Its gradient moves the rows back by the inverse map, which is a gather too. In
    general the gradient of a gather is a scatter-add, which is slow.

    Args:
      x: `[B, n, d]`.
      source: `[B, k]`, the row of `x` that each row of the result is, or `n` if none.
      target: `[B, n]`, the inverse: the row of the result that each row of `x` goes to,
        or `k` if none.

    Returns:
      `[B, k, d]`.
    """
    del target
    return _take_rows(x, source)


def _take_rows(x: jax.Array, source: jax.Array) -> jax.Array:
    return jnp.take_along_axis(x, source[..., None], axis=1, mode="fill", fill_value=0)


def _move_forward(
    x: jax.Array, source: jax.Array, target: jax.Array
) -> tuple[jax.Array, jax.Array]:
    return _take_rows(x, source), target


def _move_backward(
    target: jax.Array, gradient: jax.Array
) -> tuple[jax.Array, None, None]:
    return _take_rows(gradient, target), None, None


move.defvjp(_move_forward, _move_backward)


@dataclasses.dataclass(eq=False)
class Router(hk.Module):
    """A linear map without bias, `[B, m, d] -> [B, m, experts]`.

    Attributes:
      num_experts: number of experts.
      name: the module's name.
    """

    num_experts: int
    name: str = "router"

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Computes the logits, at least in float32."""
        tokens = layers.at_least_float32(tokens)
        size = tokens.shape[-1]
        init = layers.lecun_normal(size)
        shape = (size, self.num_experts)
        return tokens @ layers.get_parameter("w", shape, tokens.dtype, init)


@dataclasses.dataclass(eq=False)
class Top1MoE(hk.Module):
    """Top-1 mixture of experts over tokens.

    A linear router without bias; each token goes to its most probable expert, first
    come first served up to the capacity, and the expert's output is weighted by that
    probability. Dropped tokens give zeros.

    Attributes:
      num_experts: number of experts.
      capacity: the most tokens of an example that an expert takes.
      hidden_units: units of an expert's hidden layer.
      hidden_dense: makes that layer; see `Experts`.
      noise_stddev: standard deviation of the noise on the router's logits.
      name: the module's name.
    """

    num_experts: int
    capacity: int
    hidden_units: int
    hidden_dense: LayerFactory = layers.Dense
    noise_stddev: float = 0.0
    name: str = "moe"

    def __call__(self, tokens: jax.Array) -> Mixed:
        """Routes tokens `[B, m, d]` to the experts and back."""
        num_experts, capacity = self.num_experts, self.capacity
        batch, num_tokens, size = tokens.shape
        logits = Router(num_experts)(tokens)
        noisy_logits = logits
        if self.noise_stddev:
            noise = jax.random.normal(hk.next_rng_key(), logits.shape, logits.dtype)
            noisy_logits = logits + self.noise_stddev * noise
        probabilities = jax.nn.softmax(noisy_logits, axis=-1)
        chosen = jnp.argmax(probabilities, axis=-1)
        gate = jnp.max(probabilities, axis=-1, keepdims=True)
        token_slot, slot_token = assign(chosen, num_experts, capacity)
        slots = move(tokens, slot_token, token_slot)
        slots = slots.reshape(batch, num_experts, capacity, size).swapaxes(0, 1)
        experts = Experts(num_experts, self.hidden_units, self.hidden_dense)
        outputs, hidden = experts(slots)
        outputs = outputs.swapaxes(0, 1).reshape(batch, -1, size)
        new_tokens = move(outputs, token_slot, slot_token) * gate.astype(tokens.dtype)
        slot_ids = jnp.arange(num_experts * capacity, dtype=jnp.int32)
        dispatch = (token_slot[..., None] == slot_ids).astype(gate.dtype)
        by_expert = (batch, num_tokens, num_experts, capacity)
        filled = (slot_token < num_tokens).reshape(batch, num_experts, capacity)
        load = filled.sum(axis=-1).astype(gate.dtype) / num_tokens
        moe = MoEOutput(
            dispatch_weights=dispatch.reshape(by_expert),
            combine_weights=(dispatch * gate).reshape(by_expert),
            logits=logits,
            probabilities=probabilities,
            load=load,
            dropped=1.0 - load.sum(axis=-1),
        )
        return Mixed(new_tokens, hidden.swapaxes(0, 1), moe)


@dataclasses.dataclass(frozen=True)
class Top1:
    """The mixture `top1`: `Top1MoE` with a network's settings.

    Attributes:
      router_noise: standard deviation of the noise on the router's logits, times the
        number of experts; there is none in evaluation.
    """

    router_noise: float

    def __call__(self, tokens: jax.Array, experts: ExpertSpec) -> Mixed:
        """Routes tokens `[B, m, d]`, at most `num_slots` of them to an expert."""
        noise = 0.0 if experts.evaluation else self.router_noise / experts.num_experts
        layer = Top1MoE(
            experts.num_experts,
            experts.num_slots,
            experts.hidden_units,
            experts.hidden_dense,
            noise,
        )
        return layer(tokens)
