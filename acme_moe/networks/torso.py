"""Torsos: an observation becomes the features that a head reads."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe.networks import encoders, layers, noisy, parts, quantiles
from acme_moe.networks.interfaces import (
    Activations,
    DenseSpec,
    ExpertSpec,
    LayerFactory,
    LayerKinds,
)
from acme_moe.networks.outputs import Mixed, MoEOutput
from acme_moe.networks.settings import NetworkConfig
from acme_moe.registry import is_path


class TorsoOutput(NamedTuple):
    """Output of a torso.

    Attributes:
      features: `[B, F]`.
      activations: the output of every ReLU, by name; see `ValueOutput`.
      moe: how the mixture routed its tokens, or None.
      levels: `[B, N]`, the quantiles' levels in a network that has quantiles, else
        None. The leading axis of everything after the encoder is then `B * N`.
    """

    features: jax.Array
    activations: Activations
    moe: MoEOutput | None
    levels: jax.Array | None = None


def inputs(config: NetworkConfig, observations: Any) -> jax.Array:
    """Converts observations to the encoder's input, in the dtype of the computation.

    Returns:
      Images `[B, H, W, C]`, or vectors `[B, D]` for an encoder of vectors.

    Raises:
      ValueError: a convolutional encoder is given anything but one image.
    """
    # Not by name: TensorFlow registers a bfloat16 with NumPy that JAX does not know.
    dtype = getattr(jnp, config.compute_dtype)
    if parts.takes_vectors(config.encoder):
        return encoders.to_vectors(observations, dtype)
    return encoders.to_images(observations, dtype)


def dense_torso(
    config: NetworkConfig,
    x: jax.Array,
    conv: LayerFactory,
    hidden_dense: LayerFactory,
    encoder_dense: LayerFactory = layers.Dense,
    evaluation: bool = True,
) -> TorsoOutput:
    """Applies encoder -> dense layer, a network without a mixture.

    Args:
      config: the network's settings.
      x: as `inputs` returns it.
      conv: makes a convolution, with the arguments of `layers.Conv`.
      hidden_dense: makes the dense layer, with the arguments of `layers.Dense`.
      encoder_dense: makes the layers of the encoder `mlp`.
      evaluation: whether the quantiles' levels are fixed, if the network has quantiles.

    Returns:
      The hidden activations as features.
    """
    if config.layer_norm:
        hidden_dense = layers.normalized(hidden_dense)
    encoded, activations = encode(config, x, conv, encoder_dense)
    encoded, levels = quantiles.embed(config, encoded, evaluation)
    hidden = apply_dense(config, encoded, hidden_dense)
    return TorsoOutput(hidden, {**activations, "penultimate": hidden}, None, levels)


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
    encoded, levels = quantiles.embed(config, encoded, evaluation)
    mixed = mix(config, tokenize(config, encoded), evaluation)
    return TorsoOutput(
        mixed.tokens.reshape(encoded.shape[0], -1),
        {**activations, "penultimate": mixed.expert_hidden},
        mixed.moe,
        levels,
    )


def encode(
    config: NetworkConfig,
    x: jax.Array,
    conv: LayerFactory,
    dense: LayerFactory,
) -> tuple[jax.Array, Activations]:
    """Applies the config's encoder, made of the given kinds of layers."""
    if config.layer_norm:
        conv, dense = layers.normalized(conv), layers.normalized(dense)
    with layers.scope("encoder"):
        encoded, activations = parts.make("encoder", config)(x, LayerKinds(conv, dense))
        return encoded, activations


def dense_factory(config: NetworkConfig, evaluation: bool) -> LayerFactory:
    """Returns the kind of dense layer that the config asks for after the encoder."""
    if config.noisy:
        return functools.partial(
            noisy.NoisyDense, evaluation=evaluation, repeats=config.num_quantiles or 1
        )
    return layers.Dense


def apply_dense(
    config: NetworkConfig, features: jax.Array, hidden_dense: LayerFactory
) -> jax.Array:
    """Applies the config's layer `dense` to features; returns `[B, F]`."""
    spec = DenseSpec(
        hidden_units=config.hidden_units,
        num_experts=config.num_experts,
        hidden_dense=hidden_dense,
        tokenize=lambda features: tokenize(config, features),
    )
    # The library's own parts already give their layer this name.
    outside = is_path(config.dense)
    with layers.scope("dense") if outside else contextlib.nullcontext():
        hidden: jax.Array = parts.make("dense", config)(features, spec)
    return hidden


def tokenize(config: NetworkConfig, features: jax.Array) -> jax.Array:
    """Splits features into tokens as the config says.

    Args:
      config: names the tokenizer.
      features: `[B, H, W, C]`, or `[B, D]` for `per_samp`.

    Returns:
      Tokens `[B, m, d]`.

    Raises:
      ValueError: a patch is larger than the feature map.
    """
    with layers.scope("tokenizer"):
        tokens: jax.Array = parts.make("tokenizer", config)(features)
    return tokens


def mix(config: NetworkConfig, tokens: jax.Array, evaluation: bool) -> Mixed:
    """Applies the config's mixture to tokens `[B, m, d]`.

    Raises:
      ValueError: if the user's own mixture does not return a `Mixed`.
    """
    experts = ExpertSpec(
        num_experts=config.num_experts,
        num_slots=config.slots(tokens.shape[1]),
        hidden_units=config.hidden_units,
        hidden_dense=dense_factory(config, evaluation),
        evaluation=evaluation,
    )
    # The library's own mixtures are already modules of this name.
    outside = is_path(config.moe)
    with layers.scope("moe") if outside else contextlib.nullcontext():
        mixed = parts.make("moe", config)(tokens, experts)
    if not isinstance(mixed, Mixed):
        raise ValueError(
            f"moe: {config.moe!r} returns {type(mixed).__name__}; a Mixed is accepted"
        )
    return mixed
