"""Encoders: an observation becomes a feature map or a feature vector.

Each returns its output and the output of every ReLU inside it, by name (in the
Impala ResNet, the name of the layer that the ReLU feeds). The functions that make its
layers are an argument, so that a mixture can take the place of each layer.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from acme_moe.networks.interfaces import Activations, LayerKinds
from acme_moe.networks.xla_cpu import max_pool, relu

_NATURE_LAYERS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
_MINATAR_CHANNELS, _MINATAR_SIZE = 16, 3
_IMPALA_CHANNELS = (16, 32, 32)
_IMPALA_BLOCKS = 2


@dataclasses.dataclass(frozen=True)
class NatureCNN:
    """The encoder `nature_cnn`: that of Mnih et al. (2015), with `SAME` padding."""

    def __call__(
        self, x: jax.Array, kinds: LayerKinds
    ) -> tuple[jax.Array, Activations]:
        """Encodes images `[B, H, W, C]` as `[B, H/8, W/8, 64]` (rounded up)."""
        activations: Activations = {}
        for index, (channels, size, stride) in enumerate(_NATURE_LAYERS):
            name = f"conv_{index}"
            x = kinds.conv(channels, size, stride, name=name)(x)
            x = activations[name] = relu(x)
        return x, activations


@dataclasses.dataclass(frozen=True)
class MinAtarCNN:
    """The encoder `minatar_cnn`: one convolution of Young and Tian (2019), unpadded."""

    def __call__(
        self, x: jax.Array, kinds: LayerKinds
    ) -> tuple[jax.Array, Activations]:
        """Encodes images `[B, H, W, C]` as `[B, H-2, W-2, 16]`."""
        x = kinds.conv(_MINATAR_CHANNELS, _MINATAR_SIZE, name="conv_0")(x)
        # Padding affects only the border; without it, this is an unpadded convolution.
        x = relu(x[:, 1:-1, 1:-1])
        return x, {"conv_0": x}


@dataclasses.dataclass(frozen=True)
class Impala:
    """The encoder `impala`: the ResNet of Espeholt et al. (2018), figure 3.

    Attributes:
      impala_width: factor on the 16, 32, 32 channels of the three stacks.
      impala_filter_size: height and width of every filter.
      impala_spectral_norm: whether the residual blocks' filters are normalised.
      impala_max_pool: number of windows along each axis that the result is max-pooled
        to; None for no such pooling.
    """

    impala_width: float
    impala_filter_size: int
    impala_spectral_norm: bool
    impala_max_pool: int | None

    def __call__(
        self, x: jax.Array, kinds: LayerKinds
    ) -> tuple[jax.Array, Activations]:
        """Encodes images `[B, H, W, C]`.

        Returns:
          Features `[B, H/8, W/8, 32 * width]` (rounded up), or
          `[B, n, n, 32 * width]` with `impala_max_pool=n`; and the activations by
          name.
        """
        size = self.impala_filter_size
        residual_conv = kinds.conv
        if self.impala_spectral_norm:
            residual_conv = functools.partial(residual_conv, spectral_norm=True)
        activations: Activations = {}
        for stack, base_channels in enumerate(_IMPALA_CHANNELS):
            channels = int(base_channels * self.impala_width)
            prefix = f"stack_{stack}"
            x = max_pool(kinds.conv(channels, size, name=f"{prefix}_conv")(x))
            for block in range(_IMPALA_BLOCKS):
                shortcut = x
                for index in range(2):
                    name = f"{prefix}_block_{block}_conv_{index}"
                    x = activations[name] = relu(x)
                    x = residual_conv(channels, size, lecun=True, name=name)(x)
                x = x + shortcut
        x = activations["encoder_output"] = relu(x)
        if self.impala_max_pool is not None:
            x = adaptive_max_pool(x, self.impala_max_pool)
        return x, activations


@dataclasses.dataclass(frozen=True)
class MLP:
    """The encoder `mlp`: dense layers, each with a ReLU.

    Attributes:
      mlp_widths: units of each layer.
    """

    takes: ClassVar[str] = "vectors"
    mlp_widths: tuple[int, ...]

    def __call__(
        self, x: jax.Array, kinds: LayerKinds
    ) -> tuple[jax.Array, Activations]:
        """Encodes vectors `[B, D]` as `[B, mlp_widths[-1]]`."""
        activations: Activations = {}
        for index, width in enumerate(self.mlp_widths):
            name = f"dense_{index}"
            x = activations[name] = relu(kinds.dense(width, name=name)(x))
        return x, activations


def adaptive_max_pool(images: jax.Array, size: int) -> jax.Array:
    """Takes maxima over a grid of windows that cover an image, whatever its size.

    Window i of n along an axis of m goes from floor(i m / n) to ceil((i + 1) m / n),
    as in PyTorch's `AdaptiveMaxPool2d`.

    Args:
      images: `[B, H, W, C]`.
      size: number of windows along both axes.

    Returns:
      `[B, size, size, C]`.
    """
    for axis in (1, 2):
        length = images.shape[axis]
        windows = [
            jax.lax.slice_in_dim(
                images, i * length // size, -(-(i + 1) * length // size), axis=axis
            ).max(axis=axis)
            for i in range(size)
        ]
        images = jnp.stack(windows, axis=axis)
    return images


def to_images(observations: Any, dtype: jnp.dtype) -> jax.Array:
    """Converts observations to float images; `uint8` is scaled by 1/255.

    Args:
      observations: one array `[B, H, W, C]`, alone or as a nest's only leaf.
      dtype: dtype of the result.

    Returns:
      `[B, H, W, C]`.

    Raises:
      ValueError: the observation is not one image.
    """
    leaves = jax.tree_util.tree_leaves(observations)
    if len(leaves) != 1 or jnp.ndim(leaves[0]) != 4:
        shapes = ", ".join(str(jnp.shape(leaf)) for leaf in leaves)
        raise ValueError(
            f"observations: {shapes} is not one image [B, H, W, C]; a network on"
            " other observations needs encoder 'mlp'"
        )
    return to_float(leaves[0], dtype)


def to_vectors(observations: Any, dtype: jnp.dtype) -> jax.Array:
    """Flattens and concatenates observations; `uint8` is scaled by 1/255.

    Args:
      observations: a nest of arrays `[B, ...]`.
      dtype: dtype of the result.

    Returns:
      `[B, D]`.
    """
    leaves = jax.tree_util.tree_leaves(observations)
    flat = [to_float(x, dtype).reshape(jnp.shape(x)[0], -1) for x in leaves]
    return jnp.concatenate(flat, axis=-1)


def to_float(x: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """Casts an array of any shape to a float dtype; `uint8` is scaled by 1/255."""
    x = jnp.asarray(x)
    if x.dtype == jnp.uint8:
        # Scaled in float32: bfloat16 has too few digits for 1/255.
        return (x.astype(jnp.float32) / 255.0).astype(dtype)
    return x.astype(dtype)
