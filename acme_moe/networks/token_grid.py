"""Where the tokens of a mixture are in the picture, for maps of its routing."""

from __future__ import annotations

from typing import Any

import haiku as hk
import jax

from acme_moe.networks import layers, parts, torso
from acme_moe.networks.describe import batch_of_one
from acme_moe.networks.settings import NetworkConfig


class NoTokenGridError(ValueError):
    """A network's tokens do not correspond to places of the picture; says why."""


def token_grid(config: NetworkConfig, observation: Any) -> tuple[int, int]:
    """Returns rows and columns of the tokens of one observation; computes nothing.

    Args:
      config: the network's settings.
      observation: one without a batch axis: a nest of arrays, or of anything with
        `shape` and `dtype`, such as `dm_env` specs.

    Returns:
      Rows and columns, as the tokenizer's `grid` gives them; see
      `acme_moe.networks.interfaces.Tokenizer`.

    Raises:
      NoTokenGridError: if there is no mixture, if its tokens are not places, or if its
        tokenizer does not say which places they are or is wrong about their number.
    """
    if config.moe == "none":
        raise NoTokenGridError("network.moe: 'none' routes no tokens")
    if config.variant != "regular":
        raise NoTokenGridError(
            f"network.variant: {config.variant!r} has the whole input as its token"
        )
    features, tokens = _shapes(config, observation)
    if len(features) != 4:
        raise NoTokenGridError(
            f"network.encoder: {config.encoder!r} gives vectors, which have no places"
        )
    grid = grid_of(parts.make("tokenizer", config), features)
    if grid is None:
        raise NoTokenGridError(
            f"network.tokenizer: {config.tokenizer!r} has no grid(height, width) that "
            "says where its tokens are"
        )
    rows, columns = grid
    if rows * columns != tokens[1]:
        raise NoTokenGridError(
            f"network.tokenizer: {config.tokenizer!r} says that its tokens are {rows} "
            f"x {columns}, and there are {tokens[1]}"
        )
    return rows, columns


def grid_of(tokenizer: Any, features: tuple[int, ...]) -> tuple[int, int] | None:
    """Returns the grid that a tokenizer declares for a feature map; None if none.

    Args:
      tokenizer: an instance, or a function.
      features: shape of the feature map, `(B, H, W, C)`.
    """
    grid = getattr(tokenizer, "grid", None)
    if grid is None:
        return None
    rows, columns = grid(*features[1:3])
    return int(rows), int(columns)


def _shapes(
    config: NetworkConfig, observation: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the shapes of one observation's features and of their tokens."""
    shapes = []

    def forward(observations: Any) -> None:
        x = torso.inputs(config, observations)
        features, _ = torso.encode(config, x, layers.Conv, layers.Dense)
        shapes.extend([features.shape, torso.tokenize(config, features).shape])

    init = hk.transform(forward).init
    jax.eval_shape(init, jax.random.key(0), batch_of_one(observation))
    features, tokens = shapes
    return features, tokens
