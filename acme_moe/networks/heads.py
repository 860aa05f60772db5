"""Heads: features become Q-values or distributions of returns."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from acme_moe.networks.encoders import LayerFactory


def value_head(
    features: jax.Array,
    num_actions: int,
    num_atoms: int | None,
    dueling: bool,
    dense: LayerFactory,
) -> jax.Array:
    """The last layer.

    Args:
      features: `[B, F]`.
      num_actions: number of actions.
      num_atoms: atoms of a categorical head, or None for Q-values.
      dueling: whether the values are a state's plus the actions' advantages less
        their mean (Wang et al., 2016, equation 9), for each atom where there are.
      dense: makes a layer, with the arguments of `layers.Dense`.

    Returns:
      `[B, actions]`, or logits `[B, actions, atoms]`.
    """
    atoms = num_atoms or 1
    shape = (features.shape[0], num_actions, atoms)
    if dueling:
        # Side by side, so that noisy streams see their input through the same noise.
        sizes = (num_actions * atoms, atoms)
        streams = dense(sizes, name="streams")(features)
        advantage = streams[:, : sizes[0]].reshape(shape)
        value = streams[:, None, sizes[0] :]
        output = value + advantage - advantage.mean(axis=1, keepdims=True)
    else:
        output = dense(num_actions * atoms, name="value")(features).reshape(shape)
    return output if num_atoms else output[..., 0]


def support(num_atoms: int, v_max: float) -> jax.Array:
    """Atoms of a categorical head, `[num_atoms]` float32 on `[-v_max, v_max]`."""
    return jnp.linspace(-v_max, v_max, num_atoms, dtype=jnp.float32)


def expected_values(logits: jax.Array, atoms: jax.Array) -> jax.Array:
    """Means of categorical distributions (Bellemare et al., 2017).

    Args:
      logits: `[..., atoms]`.
      atoms: `[atoms]`.

    Returns:
      `[...]`.
    """
    return jnp.sum(jax.nn.softmax(logits, axis=-1) * atoms, axis=-1)
