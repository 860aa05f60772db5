"""Layers of networks without a mixture: they map features to the head's hidden units.

Each takes the place where the flattened features meet the dense layer, which Sokar and
Castro (2025), "Mind the GAP!", call the bottleneck.
"""

from __future__ import annotations

import dataclasses

import jax

from acme_moe.networks import layers
from acme_moe.networks.interfaces import DenseSpec
from acme_moe.networks.xla_cpu import relu


@dataclasses.dataclass(frozen=True)
class Flatten:
    """The layer `flatten`: all features of an image at once (Mnih et al., 2015)."""

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, ...]` to hidden units `[B, F]`."""
        return hidden_layer(_flat(features), dense)


@dataclasses.dataclass(frozen=True)
class GlobalAveragePool:
    """The layer `gap`: the mean over all positions, before the dense layer.

    Sokar and Castro (2025), "Mind the GAP!"; Trumpp et al. (2025), "Impoola".
    """

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, H, W, C]` to hidden units `[B, F]`."""
        return hidden_layer(features.mean(axis=(1, 2)), dense)


@dataclasses.dataclass(frozen=True)
class TokenSum:
    """The layer `token_sum`: one dense layer on each token, summed over the tokens.

    Sokar et al. (2025), "Don't flatten, tokenize!": tokens without routing.
    """

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, H, W, C]` to hidden units `[B, F]`."""
        return hidden_layer(dense.tokenize(features), dense).sum(axis=1)


@dataclasses.dataclass(frozen=True)
class TokenMean:
    """The layer `token_mean`: as `token_sum`, with the mean over the tokens."""

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, H, W, C]` to hidden units `[B, F]`."""
        return hidden_layer(dense.tokenize(features), dense).mean(axis=1)


@dataclasses.dataclass(frozen=True)
class SimplicialFeatures:
    """The layer `simplicial_v1`: each row of a channel is a point of a simplex.

    `SIMPLICIAL_EMBEDDING_V1` of `labs/moes` in dopamine: the softmax of Lavoie et al.
    (2023), "Simplicial Embeddings", along the width of the encoder's output.

    Attributes:
      simplicial_temperature: divides the features before the softmax.
    """

    simplicial_temperature: float

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, H, W, C]` to hidden units `[B, F]`."""
        simplices = simplicial(features, self.simplicial_temperature, axis=2)
        return hidden_layer(_flat(simplices), dense)


@dataclasses.dataclass(frozen=True)
class SimplicialHidden:
    """The layer `simplicial_v2`: hidden units in groups, each a point of a simplex.

    `SIMPLICIAL_EMBEDDING_V2` of `labs/moes` in dopamine: a dense layer that is as wide
    as all experts together, and a softmax over each group of units that would be one
    expert's. There is no ReLU, because it would not change the softmax's outputs.

    Attributes:
      simplicial_temperature: divides the layer's outputs before the softmax.
    """

    simplicial_temperature: float

    def __call__(self, features: jax.Array, dense: DenseSpec) -> jax.Array:
        """Maps `[B, ...]` to hidden units `[B, experts * F]`."""
        groups, units = dense.num_experts, dense.hidden_units
        flat = _flat(features)
        x = dense.hidden_dense(groups * units, name="dense")(flat)
        x = x.reshape(flat.shape[0], groups, units)
        return _flat(simplicial(x, self.simplicial_temperature, axis=2))


def simplicial(x: jax.Array, temperature: float, axis: int) -> jax.Array:
    """Computes a softmax along one axis, in float32 (Lavoie et al., 2023)."""
    precise = layers.at_least_float32(x)
    return jax.nn.softmax(precise / temperature, axis=axis).astype(x.dtype)


def hidden_layer(x: jax.Array, dense: DenseSpec) -> jax.Array:
    """Applies the dense layer and a ReLU to the last axis, `[B, ..., d]`."""
    return relu(dense.hidden_dense(dense.hidden_units, name="dense")(x))


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(x.shape[0], -1)
