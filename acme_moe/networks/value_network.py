"""The one composition: encoder -> tokenizer -> mixture or dense layer -> head."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import heads, layers, parts, torso, variants
from acme_moe.networks.interfaces import HeadSpec, LayerFactory
from acme_moe.networks.outputs import ValueOutput
from acme_moe.networks.settings import NetworkConfig

_VARIANTS = {"big": variants.whole_networks, "all": variants.all_layers}


@dataclasses.dataclass(frozen=True)
class Network:
    """A value network as two pure functions.

    Attributes:
      init: `(rng, observations) -> params`.
      apply: `(params, rng, observations, evaluation=False) -> ValueOutput`; jit it
        with `evaluation` static. In evaluation the noise of noisy layers and of the
        router is off, and `rng` may be None (but not with `phi="redrawn"`).
      config: the network's settings.
      num_actions: number of actions.

    Observations are images `[B, H, W, C]` for the convolutional encoders, and any
    nest of arrays `[B, ...]` for `mlp`; `uint8` is scaled by 1/255.
    """

    init: Callable[[jax.Array, Any], hk.Params]
    apply: Callable[..., ValueOutput]
    config: NetworkConfig
    num_actions: int


def make_network(config: NetworkConfig, num_actions: int) -> Network:
    """Makes the network that a config describes.

    Args:
      config: the network's settings.
      num_actions: number of actions.

    Returns:
      The network's pure functions.
    """

    def forward(observations: Any, evaluation: bool = False) -> ValueOutput:
        return value_network(config, num_actions, observations, evaluation)

    return transform(forward, config, num_actions)


def transform(
    forward: Callable[..., ValueOutput], config: NetworkConfig, num_actions: int
) -> Network:
    """Makes the pure functions of any composition of Haiku modules.

    Args:
      forward: `(observations, evaluation=False) -> ValueOutput`, of Haiku modules.
      config: the modules' settings; agents read the head's in it.
      num_actions: number of actions.
    """
    transformed = hk.transform(forward)

    def apply(
        params: hk.Params,
        rng: jax.Array | None,
        observations: Any,
        evaluation: bool = False,
    ) -> ValueOutput:
        return transformed.apply(params, rng, observations, evaluation)

    return Network(transformed.init, apply, config, num_actions)


def value_network(
    config: NetworkConfig, num_actions: int, observations: Any, evaluation: bool
) -> ValueOutput:
    """Computes values of observations `[B, ...]`; call it inside `hk.transform`."""
    x = torso.inputs(config, observations)

    def last_layer(features: jax.Array, dense: LayerFactory) -> jax.Array:
        # In bfloat16, values around 20 would be an eighth apart, and actions tie.
        features = features.astype(jnp.float32)
        return head_layer(config, features, head_spec(config, num_actions, dense))

    # Section 5.3 of the MoE paper: the last layer is part of Big's experts, and one of
    # All's mixtures, in DQN but not in Rainbow.
    if config.variant in _VARIANTS and config.num_atoms is None:
        apply_variant = _VARIANTS[config.variant]
        output, values = apply_variant(config, x, evaluation, last_layer)
    else:
        output = apply_torso(config, x, evaluation)
        values = last_layer(output.features, torso.dense_factory(config, evaluation))
    return value_output(config, output, values)


def apply_torso(
    config: NetworkConfig, x: jax.Array, evaluation: bool
) -> torso.TorsoOutput:
    """Applies everything before the head, for a head that is in no mixture.

    Args:
      config: the network's settings.
      x: as `torso.inputs` returns it.
      evaluation: whether the noise is off.
    """
    if config.variant in _VARIANTS:
        output, _ = _VARIANTS[config.variant](config, x, evaluation)
        return output
    if config.moe == "none":
        dense = torso.dense_factory(config, evaluation)
        return torso.dense_torso(config, x, layers.Conv, dense, evaluation=evaluation)
    return torso.moe_torso(config, x, evaluation)


def head_spec(config: NetworkConfig, num_actions: int, dense: LayerFactory) -> HeadSpec:
    """Returns what a config asks of a head made of a kind of dense layer."""
    return HeadSpec(num_actions, config.num_atoms, config.dueling, dense)


def head_layer(config: NetworkConfig, features: jax.Array, head: HeadSpec) -> jax.Array:
    """Applies the head to features `[B, F]`; `[B, A]`, or logits `[B, A, atoms]`."""
    with layers.scope("head"):
        values: jax.Array = parts.make("head", config)(features, head)
    return values


def value_output(
    config: NetworkConfig, output: torso.TorsoOutput, values: jax.Array
) -> ValueOutput:
    """Assembles a network's output.

    Args:
      config: the network's settings.
      output: the torso's output.
      values: what the head returned: Q-values, or logits of a categorical head.
    """
    values = values.astype(jnp.float32)
    levels = output.levels
    quantile_values = None
    if levels is not None:
        quantile_values = values.reshape(*levels.shape, -1)
        values = quantile_values.mean(axis=1)
    if config.num_atoms is None:
        q_values, logits, atoms = values, None, None
    else:
        logits, atoms = values, heads.support(config.num_atoms, config.v_max)
        q_values = heads.expected_values(logits, atoms)
    return ValueOutput(
        q_values,
        logits,
        atoms,
        output.moe,
        output.features,
        output.activations,
        quantile_values,
        levels,
    )
