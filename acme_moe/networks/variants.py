"""Mixtures of whole networks (Big) and of every layer (All).

Section 5.3 of the MoE paper. Both route at their input with PerSamp tokenization: the
whole input is one token. A softmax over one token is 1, so each expert sees the input
as it is, and only the combine weights tell the experts apart.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from acme_moe.networks import layers, torso
from acme_moe.networks.interfaces import Activations, LayerFactory
from acme_moe.networks.outputs import MoEOutput
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.soft_moe import SlotLogits, dispatch_and_combine, soft_output

# Maps features `[B, F]` to values `[B, ...]` by a kind of dense layer.
LastLayer = Callable[[jax.Array, LayerFactory], jax.Array]


def one_token_weights(
    config: NetworkConfig, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Computes logits and combine weights, each `[B, E]`, of inputs `[B, ...]`."""
    logits = SlotLogits(config.num_experts, 1, config.normalization, config.phi)(
        x.reshape(x.shape[0], 1, -1)
    )
    _, combine = dispatch_and_combine(logits)
    return logits[:, 0], combine[:, 0]


def weighted_sum(outputs: jax.Array, weights: jax.Array) -> jax.Array:
    """Sums over experts, `[B, E, ...]` weighted by `[B, E]`, in the outputs' dtype."""
    weights = weights.astype(outputs.dtype)
    return jnp.sum(outputs * jnp.expand_dims(weights, range(2, outputs.ndim)), axis=1)


def whole_networks(
    config: NetworkConfig,
    x: jax.Array,
    evaluation: bool,
    last_layer: LastLayer | None = None,
) -> tuple[torso.TorsoOutput, jax.Array]:
    """Applies Big: experts are an encoder, a dense layer and, if given, a last layer.

    Args:
      config: the network's settings.
      x: as `torso.inputs` returns it.
      evaluation: whether the noise is off.
      last_layer: applies the last layer of an expert; None if the experts have none.

    Returns:
      The mixture of the experts' hidden activations `[B, F]` as features, and the
      mixture of their last layers' outputs, or the features again if there are none.
    """
    with layers.scope("moe"):
        logits, combine = one_token_weights(config, x)
    dense = torso.dense_factory(config, evaluation)
    hidden, outputs = [], []
    activations: Activations = {}
    # One after the other and unrolled: XLA:CPU has fast convolutions neither for
    # groups, which a vmap would make of them, nor inside a loop.
    for expert in range(config.num_experts):
        with layers.scope(f"expert_{expert}"):
            output = torso.dense_torso(config, x, layers.Conv, dense)
            hidden.append(output.features)
            if last_layer is not None:
                outputs.append(last_layer(output.features, dense))
        for name, value in output.activations.items():
            if name != "penultimate":  # Below, of all experts together.
                activations[f"expert_{expert}_{name}"] = value
    stacked = jnp.stack(hidden, axis=1)
    activations["penultimate"] = stacked[:, :, None]
    features = weighted_sum(stacked, combine)
    values = weighted_sum(jnp.stack(outputs, axis=1), combine) if outputs else features
    moe = _routing(logits[:, None], combine[:, None])
    return torso.TorsoOutput(features, activations, moe), values


class LayerMixtures:
    """Layers of All, which are Soft MoEs, each with its own routing.

    An expert is the layer's affine map; activations, pooling and shortcuts between
    the layers stay where they are, so that with one expert this is the plain network.
    """

    def __init__(self, config: NetworkConfig) -> None:
        self._config = config
        self._logits: list[jax.Array] = []
        self._combine: list[jax.Array] = []

    def conv(
        self, *args: Any, name: str = "conv", **kwargs: Any
    ) -> Callable[[jax.Array], jax.Array]:
        """Makes a mixture of convolutions; arguments as of `ParallelConv`'s experts."""
        kind: LayerFactory = layers.ParallelConv
        experts = kind(self._config.num_experts, *args, name=name, **kwargs)
        return self._mixture(experts, name)

    def dense(
        self, kind: LayerFactory, output_size: layers.OutputSize, name: str = "dense"
    ) -> Callable[[jax.Array], jax.Array]:
        """Makes a mixture of dense layers; `kind` makes the experts' at once."""
        num_experts = self._config.num_experts
        layer = kind(output_size, num_experts=num_experts, name=name)

        def experts(x: jax.Array) -> jax.Array:
            shape = (num_experts, x.shape[0], 1, x.shape[1])
            slots = jnp.broadcast_to(x[None, :, None], shape)
            return layer(slots)[:, :, 0].swapaxes(0, 1)

        return self._mixture(experts, name)

    def output(self) -> MoEOutput:
        """Returns the routing of the mixtures applied so far, one token per layer."""
        return _routing(
            jnp.stack(self._logits, axis=1), jnp.stack(self._combine, axis=1)
        )

    def _mixture(
        self, experts: Callable[[jax.Array], jax.Array], name: str
    ) -> Callable[[jax.Array], jax.Array]:
        def apply(x: jax.Array) -> jax.Array:
            with layers.scope(f"{name}_routing"):
                logits, combine = one_token_weights(self._config, x)
            self._logits.append(logits)
            self._combine.append(combine)
            return weighted_sum(experts(x), combine)

        return apply


def all_layers(
    config: NetworkConfig,
    x: jax.Array,
    evaluation: bool,
    last_layer: LastLayer | None = None,
) -> tuple[torso.TorsoOutput, jax.Array]:
    """Applies All: the network without a mixture, built from layers that are mixtures.

    Args:
      config: the network's settings.
      x: as `torso.inputs` returns it.
      evaluation: whether the noise is off.
      last_layer: applies the last layer, which is a mixture too; None if there is none.

    Returns:
      The hidden activations as features, and the last layer's output; without one, the
      features again.
    """
    mixtures = LayerMixtures(config)
    dense = functools.partial(mixtures.dense, torso.dense_factory(config, evaluation))
    encoder_dense = functools.partial(mixtures.dense, layers.Dense)
    output = torso.dense_torso(config, x, mixtures.conv, dense, encoder_dense)
    values = output.features
    if last_layer is not None:
        values = last_layer(values, dense)
    return output._replace(moe=mixtures.output()), values


def _routing(logits: jax.Array, combine: jax.Array) -> MoEOutput:
    """Makes the `MoEOutput` of mixtures of one token, each argument `[B, m, E]`."""
    logits, combine = logits[..., None], combine[..., None]
    return soft_output(logits, jnp.ones_like(combine), combine)
