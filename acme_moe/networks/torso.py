"""Torsos: an observation becomes the features that a head reads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe.networks import encoders, layers, noisy
from acme_moe.networks.outputs import Mixed, MoEOutput
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.soft_moe import SoftMoE
from acme_moe.networks.tokenizers import tokenize
from acme_moe.networks.top1_moe import Top1MoE
from acme_moe.networks.xla_cpu import relu


class TorsoOutput(NamedTuple):
    """Output of a torso.

    Attributes:
      features: `[B, F]`.
      activations: the output of every ReLU, by name; see `ValueOutput`.
      moe: how the mixture routed its tokens, or None.
    """

    features: jax.Array
    activations: encoders.Activations
    moe: MoEOutput | None


def inputs(config: NetworkConfig, observations: Any) -> jax.Array:
    """Converts observations to the encoder's input, in the dtype of the computation.

    Returns:
      Images `[B, H, W, C]`, or vectors `[B, D]` for the encoder `mlp`.

    Raises:
      ValueError: a convolutional encoder is given anything but one image.
    """
    # Not by name: TensorFlow registers a bfloat16 with NumPy that JAX does not know.
    dtype = getattr(jnp, config.compute_dtype)
    if config.encoder == "mlp":
        return encoders.to_vectors(observations, dtype)
    return encoders.to_images(observations, dtype)


def dense_torso(
    config: NetworkConfig,
    x: jax.Array,
    conv: encoders.LayerFactory,
    hidden_dense: encoders.LayerFactory,
    encoder_dense: encoders.LayerFactory = layers.Dense,
) -> TorsoOutput:
    """Applies encoder -> flatten -> dense -> ReLU, a network without a mixture.

    Args:
      config: the network's settings.
      x: as `inputs` returns it.
      conv: makes a convolution, with the arguments of `layers.Conv`.
      hidden_dense: makes the dense layer, with the arguments of `layers.Dense`.
      encoder_dense: makes the layers of the encoder `mlp`.

    Returns:
      The hidden activations as features.
    """
    encoded, activations = encode(config, x, conv, encoder_dense)
    flat = encoded.reshape(encoded.shape[0], -1)
    hidden = relu(hidden_dense(config.hidden_units, name="dense")(flat))
    return TorsoOutput(hidden, {**activations, "penultimate": hidden}, None)


def moe_torso(config: NetworkConfig, x: jax.Array, evaluation: bool) -> TorsoOutput:
    """Applies encoder -> tokenizer -> mixture of experts -> flatten.

    Args:
      config: the network's settings.
      x: as `inputs` returns it.
      evaluation: whether the noise is off.

    Returns:
      The mixture's tokens, flattened, as features.
    """
    encoded, activations = encode(config, x, layers.Conv, layers.Dense)
    with layers.scope("tokenizer"):
        tokens = tokenize(config, encoded)
    mixed = _mixture(config, tokens.shape[1], evaluation)(tokens)
    return TorsoOutput(
        mixed.tokens.reshape(x.shape[0], -1),
        {**activations, "penultimate": mixed.expert_hidden},
        mixed.moe,
    )


def encode(
    config: NetworkConfig,
    x: jax.Array,
    conv: encoders.LayerFactory,
    dense: encoders.LayerFactory,
) -> tuple[jax.Array, encoders.Activations]:
    """Applies the config's encoder, made of the given kinds of layers."""
    with layers.scope("encoder"):
        if config.encoder == "mlp":
            return encoders.mlp(x, config.mlp_widths, dense)
        if config.encoder == "nature_cnn":
            return encoders.nature_cnn(x, conv)
        if config.encoder == "minatar_cnn":
            return encoders.minatar_cnn(x, conv)
        return encoders.impala(x, config.impala_width, config.impala_filter_size, conv)


def dense_factory(config: NetworkConfig, evaluation: bool) -> encoders.LayerFactory:
    """Returns the kind of dense layer that the config asks for after the encoder."""
    if config.noisy:
        return functools.partial(noisy.NoisyDense, evaluation=evaluation)
    return layers.Dense


def _mixture(
    config: NetworkConfig, num_tokens: int, evaluation: bool
) -> Callable[[jax.Array], Mixed]:
    slots = config.slots(num_tokens)
    dense = dense_factory(config, evaluation)
    experts = (config.num_experts, slots, config.hidden_units, dense)
    if config.moe == "soft":
        return SoftMoE(*experts, config.normalization, config.phi)
    stddev = 0.0 if evaluation else config.router_noise / config.num_experts
    return Top1MoE(*experts, stddev)
