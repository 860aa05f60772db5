"""Heads: features become Q-values or distributions of returns."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from acme_moe.networks.interfaces import Activations, HeadSpec, LayerFactory
from acme_moe.networks.xla_cpu import relu


@dataclasses.dataclass(frozen=True)
class Linear:
    """The head `linear`: see `value_head`."""

    def __call__(self, features: jax.Array, head: HeadSpec) -> jax.Array:
        """Applies the last layer to `[B, F]`."""
        return value_head(
            features, head.num_actions, head.num_atoms, head.dueling, head.dense
        )


def value_head(
    features: jax.Array,
    num_actions: int,
    num_atoms: int | None,
    dueling: bool,
    dense: LayerFactory,
) -> jax.Array:
    """Applies the last layer.

    Args:
      features: `[B, F]`.
      num_actions: number of actions.
      num_atoms: atoms of a categorical head, or None for Q-values.
      dueling: whether the values are a state's plus the actions' advantages less
        their mean (Wang et al., 2016, equation 9), atom by atom if there are atoms.
      dense: makes a layer, with the arguments of `layers.Dense`.

    Returns:
      `[B, actions]`, or logits `[B, actions, atoms]`.
    """
    atoms = num_atoms or 1
    if dueling:
        # Side by side, so that noisy streams see their input through the same noise.
        sizes = (num_actions * atoms, atoms)
        streams = dense(sizes, name="streams")(features)
        values = _dueling(streams[:, : sizes[0]], streams[:, sizes[0] :], atoms)
    else:
        flat = dense(num_actions * atoms, name="value")(features)
        values = flat.reshape(-1, num_actions, atoms)
    return values if num_atoms else values[..., 0]


def deep_value_head(
    features: jax.Array,
    num_actions: int,
    num_atoms: int | None,
    dueling: bool,
    dense: LayerFactory,
    width: int,
) -> tuple[jax.Array, Activations]:
    """Applies a hidden layer and the last one; each dueling stream has its own.

    The head of Wang et al. (2016), figure 1, and of Acme's R2D2 (`DuellingMLP`).

    Args:
      features: `[B, F]`.
      num_actions: see `value_head`.
      num_atoms: see `value_head`.
      dueling: see `value_head`.
      dense: see `value_head`.
      width: units of each hidden layer.

    Returns:
      What `value_head` returns, and the hidden activations by name, `[B, width]` each.
    """
    if not dueling:
        hidden = relu(dense(width, name="hidden")(features))
        values = value_head(hidden, num_actions, num_atoms, False, dense)
        return values, {"head_hidden": hidden}
    atoms = num_atoms or 1
    # Side by side, as the streams of `value_head`.
    hidden = relu(dense((width, width), name="hidden")(features))
    of_advantage, of_value = hidden[:, :width], hidden[:, width:]
    advantage = dense(num_actions * atoms, name="advantage")(of_advantage)
    values = _dueling(advantage, dense(atoms, name="value")(of_value), atoms)
    activations = {"head_advantage_hidden": of_advantage, "head_value_hidden": of_value}
    return values if num_atoms else values[..., 0], activations


def _dueling(advantage: jax.Array, value: jax.Array, atoms: int) -> jax.Array:
    """Combines `[B, A * atoms]` and `[B, atoms]` into values `[B, A, atoms]`."""
    advantage = advantage.reshape(advantage.shape[0], -1, atoms)
    return value[:, None] + advantage - advantage.mean(axis=1, keepdims=True)


def support(num_atoms: int, v_max: float) -> jax.Array:
    """Returns a categorical head's atoms, `[num_atoms]` on `[-v_max, v_max]`."""
    return jnp.linspace(-v_max, v_max, num_atoms, dtype=jnp.float32)


def expected_values(logits: jax.Array, atoms: jax.Array) -> jax.Array:
    """Computes means of categorical distributions (Bellemare et al., 2017).

    Args:
      logits: `[..., atoms]`.
      atoms: `[atoms]`.

    Returns:
      `[...]`.
    """
    return jnp.sum(jax.nn.softmax(logits, axis=-1) * atoms, axis=-1)
