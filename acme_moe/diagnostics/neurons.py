"""Dormant neurons (Sokar et al., 2023)."""

from __future__ import annotations

from collections.abc import Iterable

import jax
import jax.numpy as jnp

from acme_moe.networks import ValueOutput


def dormant(activations: jax.Array, tau: float) -> jax.Array:
    """Finds the neurons of a layer that are tau-dormant.

    Definition 3.1 of Sokar et al. (2023), "The Dormant Neuron Phenomenon in Deep
    Reinforcement Learning": those whose mean absolute activation over the batch is at
    most `tau` times the layer's mean of that. In a convolution, a neuron is a channel
    and its activation is the mean over the positions, as in the paper's code.

    Args:
      activations: `[B, ..., neurons]`.
      tau: the threshold, at least 0.

    Returns:
      `[neurons]` bool. In a layer without any activation all neurons are dormant.
    """
    axes = tuple(range(activations.ndim - 1))
    means = jnp.mean(jnp.abs(activations.astype(jnp.float32)), axis=axes)
    # Not as a quotient, which would be NaN in a layer of zeros.
    return means <= tau * jnp.mean(means)


def dormant_share(layers: Iterable[jax.Array], tau: float) -> jax.Array:
    """Computes the share of dormant neurons among the neurons of all layers.

    Args:
      layers: activations `[B, ..., neurons]` of each layer.
      tau: the threshold, at least 0.

    Returns:
      A scalar in [0, 1].
    """
    return jnp.mean(jnp.concatenate([dormant(layer, tau) for layer in layers]))


def neuron_layers(output: ValueOutput) -> dict[str, jax.Array]:
    """Arranges a network's activations as layers of neurons.

    The experts of a mixture are one layer. The activation of an expert's neuron counts
    as 0 in a slot that holds no token, so an expert without tokens has only dormant
    neurons. If all dispatch weights are 0, a mixture does not say what its slots hold,
    and all of them count.

    Args:
      output: the output of a network.

    Returns:
      Activations `[B, ..., neurons]` by the name of the layer.
    """
    layers = dict(output.activations)
    hidden = layers["penultimate"]
    if hidden.ndim == 4:
        assert output.moe is not None
        given = output.moe.dispatch_weights != 0
        filled = jnp.any(given, axis=1) | ~jnp.any(given)  # [B, E, S]
        hidden = jnp.where(filled[..., None], hidden, 0)
        batch, _, slots, _ = hidden.shape
        layers["penultimate"] = hidden.swapaxes(1, 2).reshape(batch, slots, -1)
    return layers
