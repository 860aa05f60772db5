"""DrQ's augmentation of images, as part of an objective.

Random shifts and intensities of Yarats et al. (2021), with the numbers that Agarwal
et al. (2021) use on Atari.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from acme_moe.learning.objectives import Objective, ObjectiveOutput
from acme_moe.learning.types import Transition
from acme_moe.networks import encoders

# Intensities are clipped at this many standard deviations from 1.
_MAX_DEVIATIONS = 2.0


def random_crops(key: jax.Array, images: jax.Array, padding: int) -> jax.Array:
    """Shifts each image by up to `padding` pixels; edge values fill the gaps.

    Args:
      key: random key; each image has a shift of its own.
      images: `[B, H, W, C]`, any dtype.
      padding: pixels.

    Returns:
      Crops of the same shape and dtype.
    """
    starts = jax.random.randint(key, (images.shape[0], 2), 0, 2 * padding + 1)
    around = (padding, padding)
    padded = jnp.pad(images, ((0, 0), around, around, (0, 0)), "edge")

    def crop(image: jax.Array, start: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (*start, 0), images.shape[1:])

    return jax.vmap(crop)(padded, starts)


def random_intensities(key: jax.Array, images: jax.Array, scale: float) -> jax.Array:
    """Multiplies each image by `1 + scale * clip(normal, -2, 2)`.

    Args:
      key: random key; each image has a factor of its own.
      images: `[B, H, W, C]`, float.
      scale: standard deviation of the factor before clipping.

    Returns:
      The images, not clipped to their range.
    """
    noise = jax.random.normal(key, (images.shape[0], 1, 1, 1), images.dtype)
    return images * (1 + scale * jnp.clip(noise, -_MAX_DEVIATIONS, _MAX_DEVIATIONS))


def augment(
    key: jax.Array, observation: Any, *, crop_padding: int, intensity_scale: float
) -> Any:
    """Augments the images of an observation.

    Args:
      key: random key.
      observation: nest of arrays `[B, ...]`; those with four axes are images, all
        others stay as they are.
      crop_padding: see `random_crops`.
      intensity_scale: see `random_intensities`.

    Returns:
      The nest. Images of integers or booleans become float32, and `uint8` is divided by
      255, as in the networks.
    """
    leaves, structure = jax.tree.flatten(observation)
    augmented = []
    for leaf, leaf_key in zip(leaves, jax.random.split(key, len(leaves)), strict=True):
        if leaf.ndim == 4:
            crop_key, intensity_key = jax.random.split(leaf_key)
            leaf = random_crops(crop_key, leaf, crop_padding)
            is_float = jnp.issubdtype(leaf.dtype, jnp.floating)
            leaf = encoders.to_float(leaf, leaf.dtype if is_float else jnp.float32)
            leaf = random_intensities(intensity_key, leaf, intensity_scale)
        augmented.append(leaf)
    return jax.tree.unflatten(structure, augmented)


def augmented(
    objective: Objective, *, crop_padding: int, intensity_scale: float
) -> Objective:
    """Wraps an objective so that it is computed on augmented observations.

    The two observations of a transition are augmented independently.

    Args:
      objective: the objective to compute on augmented transitions.
      crop_padding: see `random_crops`.
      intensity_scale: see `random_intensities`.

    Returns:
      The wrapped objective.
    """
    augment_one = functools.partial(
        augment, crop_padding=crop_padding, intensity_scale=intensity_scale
    )

    def of_augmented(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        key, first_key, next_key = jax.random.split(key, 3)
        transitions = transitions._replace(
            observation=augment_one(first_key, transitions.observation),
            next_observation=augment_one(next_key, transitions.next_observation),
        )
        return objective(params, target_params, key, transitions, probabilities)

    return of_augmented
