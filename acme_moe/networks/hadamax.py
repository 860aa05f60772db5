"""The Hadamax encoder (Kooi et al., 2025)."""

from __future__ import annotations

import dataclasses

import haiku as hk
import jax

from acme_moe.networks import layers
from acme_moe.networks.interfaces import Activations, LayerKinds

# Channels and size of the filters; size and stride of the pooling's windows.
_LAYERS = ((32, 8, 4, 4), (64, 4, 2, 2), (64, 3, 3, 1))


@dataclasses.dataclass(frozen=True)
class Hadamax:
    """The encoder `hadamax`: max-pooled products of pairs of convolutions.

    Kooi et al. (2025), "Hadamax Encoding": in the network of Mnih et al. (2015), each
    convolution is replaced by two of stride 1, each with layer normalisation and GELU,
    whose outputs are multiplied; max-pooling replaces the strides. The normalisation
    and GELU that the paper has in the dense layer after it are not part of the encoder.
    There is no ReLU, and so there are no activations to find dormant neurons in.
    """

    def __call__(
        self, x: jax.Array, kinds: LayerKinds
    ) -> tuple[jax.Array, Activations]:
        """Encodes images `[B, H, W, C]`; features `[B, H/8, W/8, 64]`, rounded up."""
        for index, (channels, size, window, stride) in enumerate(_LAYERS):
            left, right = (
                _branch(x, kinds, channels, size, f"conv_{index}_{side}")
                for side in ("left", "right")
            )
            x = hk.max_pool(
                left * right,
                window_shape=(window, window, 1),
                strides=(stride, stride, 1),
                padding="SAME",
            )
        return x, {}


def _branch(
    x: jax.Array, kinds: LayerKinds, channels: int, size: int, name: str
) -> jax.Array:
    y = kinds.conv(channels, size, name=name)(x)
    return jax.nn.gelu(layers.LayerNorm(name=f"{name}_norm")(y))
