"""Implicit quantile networks: features at sampled levels of the return's quantiles."""

from __future__ import annotations

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import layers
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.xla_cpu import relu


def embed(
    config: NetworkConfig, encoded: jax.Array, evaluation: bool
) -> tuple[jax.Array, jax.Array | None]:
    """Multiplies features by the embeddings of levels, if the config asks for some.

    Dabney et al. (2018), "Implicit Quantile Networks": the embedding is a
    dense layer with a ReLU on cosines of the level. It stands where theirs does, right
    after the encoder, so that tokens and experts see the level too.

    Args:
      config: the network's settings.
      encoded: `[B, ...]`, the encoder's output.
      evaluation: whether the levels are fixed, at the midpoints of N equal parts of
        [0, 1], or drawn uniformly from it.

    Returns:
      Features `[B * N, ...]` with N = `num_quantiles`, those of one example one after
      the other, and the levels `[B, N]` float32; without quantiles, `encoded` and None.
    """
    count = config.num_quantiles
    if count is None:
        return encoded, None
    batch, *shape = encoded.shape
    if evaluation:
        middles = (jnp.arange(count, dtype=jnp.float32) + 0.5) / count
        levels = jnp.broadcast_to(middles, (batch, count))
    else:
        levels = _draw_levels(batch, count)
    frequencies = jnp.pi * jnp.arange(1, config.quantile_embedding + 1)
    cosines = jnp.cos(levels[..., None] * frequencies).astype(encoded.dtype)
    flat = encoded.reshape(batch, 1, -1)
    embedding = relu(_embedding_layer(cosines, flat.shape[-1]))
    return (flat * embedding).reshape(batch * count, *shape), levels


def _embedding_layer(cosines: jax.Array, size: int) -> jax.Array:
    """Applies an affine map, `[B, N, i] -> [B, N, size]`.

    Not `layers.Dense`, whose initialiser depends on the number of outputs. Here that is
    the size of the whole feature map: the larger the map, the smaller the embedding
    would be, and the features that are multiplied by it.
    """
    inputs, dtype = cosines.shape[-1], cosines.dtype
    with layers.scope("quantile_embedding"):
        w_init = layers.fan_in_uniform(inputs)
        w = layers.get_parameter("w", (inputs, size), dtype, w_init)
        b = layers.get_parameter("b", (size,), dtype, jnp.zeros)
        return layers.affine(cosines, w, b)


def _draw_levels(batch: int, count: int) -> jax.Array:
    return jax.random.uniform(hk.next_rng_key(), (batch, count))
