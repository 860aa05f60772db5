"""Tokenizers: the encoder's feature map becomes the tokens of a mixture.

Figure 3 of the MoE paper has PerConv, PerFeat and PerSamp; patches are those of
vision transformers (Dosovitskiy et al., 2021).
"""

from __future__ import annotations

import jax

from acme_moe.networks import layers
from acme_moe.networks.settings import NetworkConfig


def tokenize(config: NetworkConfig, features: jax.Array) -> jax.Array:
    """Splits features into tokens as `config.tokenizer` says.

    Args:
      config: names the tokenizer.
      features: `[B, H, W, C]`, or `[B, D]` for `per_samp`.

    Returns:
      Tokens `[B, m, d]`.

    Raises:
      ValueError: a patch is larger than the feature map.
    """
    batch = features.shape[0]
    if config.tokenizer == "per_samp":
        return features.reshape(batch, 1, -1)
    if config.tokenizer == "per_feat":
        return per_conv(features).swapaxes(1, 2)
    if config.tokenizer == "per_conv":
        return per_conv(features)
    if min(features.shape[1:3]) < config.patch_size:
        raise ValueError(
            f"patch_size: {config.patch_size} is larger than the feature map"
            f" {features.shape[1:3]}"
        )
    if config.tokenizer == "patches_pool":
        return per_conv(average_patches(features, config.patch_size))
    channels = config.patch_channels or features.shape[-1]
    embed = layers.Conv(
        channels,
        config.patch_size,
        config.patch_size,
        lecun=True,
        padding="VALID",
        name="patches",
    )
    return per_conv(embed(features))


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
