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
    """The encoder `hadamax`: products of pairs of convolutions, and maxima of these.

    Kooi et al. (2025), "Hadamax Encoding": the network of Mnih et al. (2015) with two
    convolutions in each one's place, of stride 1 and with layer normalisation and GELU,
    whose outputs are multiplied; pooling takes the place of the strides. What the paper
    has behind it, normalisation and GELU in the dense layer, is not part of the
    encoder. There is no ReLU, and so nothing to count dormant neurons in.
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
