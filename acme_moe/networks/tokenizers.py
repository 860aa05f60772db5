"""Tokenizers: the encoder's feature map becomes the tokens of a mixture.

Figure 3 of the MoE paper has PerConv, PerFeat and PerSamp; patches are those of
vision transformers (Dosovitskiy et al., 2021).
"""

from __future__ import annotations

import dataclasses

import jax

from acme_moe.networks import layers


@dataclasses.dataclass(frozen=True)
class PerConv:
    """The tokenizer `per_conv`: one token for each position."""

    def __call__(self, features: jax.Array) -> jax.Array:
        """Splits `[B, H, W, C]` into `[B, H*W, C]`."""
        return per_conv(features)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Returns rows and columns of tokens: those of the map."""
        return height, width


@dataclasses.dataclass(frozen=True)
class PerFeat:
    """The tokenizer `per_feat`: one token for each channel."""

    def __call__(self, features: jax.Array) -> jax.Array:
        """Splits `[B, H, W, C]` into `[B, C, H*W]`."""
        return per_conv(features).swapaxes(1, 2)


@dataclasses.dataclass(frozen=True)
class PerSamp:
    """The tokenizer `per_samp`: the whole input as one token."""

    def __call__(self, features: jax.Array) -> jax.Array:
        """Flattens `[B, ...]` into `[B, 1, D]`."""
        return features.reshape(features.shape[0], 1, -1)


@dataclasses.dataclass(frozen=True)
class _Patches:
    """Tokens of adjacent square patches; a remainder that fills none is left out."""

    patch_size: int

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Returns rows and columns of tokens: those of whole patches."""
        return height // self.patch_size, width // self.patch_size


@dataclasses.dataclass(frozen=True)
class PatchesPool(_Patches):
    """The tokenizer `patches_pool`: one token of each patch, its mean."""

    def __call__(self, features: jax.Array) -> jax.Array:
        """Averages the patches of `[B, H, W, C]`; tokens of size `C`."""
        _check_fits(self.patch_size, features)
        return per_conv(average_patches(features, self.patch_size))


@dataclasses.dataclass(frozen=True)
class PatchesConv(_Patches):
    """The tokenizer `patches_conv`: one token of each patch, by a convolution."""

    patch_channels: int | None

    def __call__(self, features: jax.Array) -> jax.Array:
        """Embeds patches of `[B, H, W, C]`; token size is `patch_channels` or `C`."""
        _check_fits(self.patch_size, features)
        embed = layers.Conv(
            self.patch_channels or features.shape[-1],
            self.patch_size,
            self.patch_size,
            lecun=True,
            padding="VALID",
            name="patches",
        )
        return per_conv(embed(features))


def _check_fits(patch_size: int, features: jax.Array) -> None:
    if min(features.shape[1:3]) < patch_size:
        raise ValueError(
            f"patch_size: {patch_size} is larger than the feature map"
            f" {features.shape[1:3]}"
        )


def per_conv(features: jax.Array) -> jax.Array:
    """Makes one token of each position, `[B, H, W, C] -> [B, H*W, C]`."""
    batch, height, width, channels = features.shape
    return features.reshape(batch, height * width, channels)


def average_patches(features: jax.Array, size: int) -> jax.Array:
    """Averages the whole patches, `[B, H, W, C] -> [B, H//size, W//size, C]`."""
    batch, height, width, channels = features.shape
    rows, columns = height // size, width // size
    whole = features[:, : rows * size, : columns * size]
    patches = whole.reshape(batch, rows, size, columns, size, channels)
    return patches.mean(axis=(2, 4))
