"""Heads: features become Q-values or distributions of returns."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from acme_moe.networks.interfaces import Activations, HeadSpec
from acme_moe.networks.xla_cpu import relu


@dataclasses.dataclass(frozen=True)
class Linear:
    """The head `linear`: the last layer alone.

    A dueling head adds each action's advantage, less the mean over the actions, to the
    state's value (Wang et al., 2016, equation 9), atom by atom if there are atoms.
    """

    def __call__(self, features: jax.Array, head: HeadSpec) -> jax.Array:
        """Maps features `[B, F]` to `[B, actions]`, or logits `[B, actions, atoms]`."""
        atoms = head.num_atoms or 1
        if head.dueling:
            # Side by side, so that noisy streams see their input through the same
            # noise.
            sizes = (head.num_actions * atoms, atoms)
            streams = head.dense(sizes, name="streams")(features)
            values = _dueling(streams[:, : sizes[0]], streams[:, sizes[0] :], atoms)
        else:
            flat = head.dense(head.num_actions * atoms, name="value")(features)
            values = flat.reshape(-1, head.num_actions, atoms)
        return values if head.num_atoms else values[..., 0]


def deep_value_head(
    features: jax.Array, head: HeadSpec, width: int
) -> tuple[jax.Array, Activations]:
    """Applies a hidden layer and the last one; each dueling stream has its own.

    The head of Wang et al. (2016), figure 1, and of Acme's R2D2 (`DuellingMLP`).

    Args:
      features: `[B, F]`.
      head: what is asked of the head.
      width: units of each hidden layer.

    Returns:
      What `Linear` returns, and the hidden activations by name, `[B, width]` each.
    """
    if not head.dueling:
        hidden = relu(head.dense(width, name="hidden")(features))
        return Linear()(hidden, head), {"head_hidden": hidden}
    atoms = head.num_atoms or 1
    # Side by side, as the streams of `Linear`.
    hidden = relu(head.dense((width, width), name="hidden")(features))
    of_advantage, of_value = hidden[:, :width], hidden[:, width:]
    advantage = head.dense(head.num_actions * atoms, name="advantage")(of_advantage)
    values = _dueling(advantage, head.dense(atoms, name="value")(of_value), atoms)
    activations = {"head_advantage_hidden": of_advantage, "head_value_hidden": of_value}
    return values if head.num_atoms else values[..., 0], activations


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
