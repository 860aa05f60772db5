"""Values learnt by classification: scalar targets as distributions over atoms.

Farebrother et al. (2024), "Stop Regressing: Training Value Functions via Classification
for Scalable Deep RL".
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
import rlax

# Standard deviation of HL-Gauss over the width of a bin: the paper's.
_SIGMA_OVER_WIDTH = 0.75


def hl_gauss(
    logits: jax.Array,
    targets: jax.Array,
    atoms: jax.Array,
    sigma_over_width: float = _SIGMA_OVER_WIDTH,
) -> jax.Array:
    """Computes the cross-entropy to `hl_gauss_probabilities` of the targets.

    Args:
      logits: `[B, N]`.
      targets: `[B]`, values.
      atoms: `[N]`, evenly spaced.
      sigma_over_width: standard deviation of a target's distribution, in bins.

    Returns:
      `[B]`, each at least the entropy of its target's distribution, which is not 0; no
      gradient passes through the targets.
    """
    probabilities = hl_gauss_probabilities(targets, atoms, sigma_over_width)
    return cross_entropy(logits, probabilities)


def two_hot(logits: jax.Array, targets: jax.Array, atoms: jax.Array) -> jax.Array:
    """Computes the cross-entropy to a distribution on the two atoms around each target.

    The paper's Two-Hot, after Schrittwieser et al. (2020): the mean of a target's
    distribution is the target. Arguments and result are those of `hl_gauss`, without
    the standard deviation.
    """
    num_atoms = atoms.shape[0]
    # rlax wants plain numbers for the ends, so atoms are counted instead.
    place = (targets - atoms[0]) / (atoms[1] - atoms[0])
    probabilities = rlax.transform_to_2hot(place, 0.0, num_atoms - 1.0, num_atoms)
    return cross_entropy(logits, jnp.asarray(probabilities))


def hl_gauss_probabilities(
    targets: jax.Array, atoms: jax.Array, sigma_over_width: float = _SIGMA_OVER_WIDTH
) -> jax.Array:
    """Spreads targets over the bins around the atoms by a normal distribution.

    A bin reaches half a width to both sides of its atom. Its probability is that of a
    normal distribution around the target, cut off at the ends of the outermost bins
    (Imani and White, 2018). Targets beyond the outermost atoms count as these.

    Args:
      targets: `[...]`.
      atoms: `[N]`, evenly spaced. The paper's bins between -v and v are `num_atoms` and
        `v_max = v (N - 1) / N`.
      sigma_over_width: the standard deviation, in bins.

    Returns:
      `[..., N]`, probabilities.
    """
    width = atoms[1] - atoms[0]
    edges = jnp.append(atoms - width / 2, atoms[-1] + width / 2)
    targets = jnp.clip(targets, atoms[0], atoms[-1])
    below = jax.scipy.stats.norm.cdf(
        (edges - targets[..., None]) / (sigma_over_width * width)
    )
    return jnp.diff(below, axis=-1) / (below[..., -1:] - below[..., :1])


def cross_entropy(logits: jax.Array, probabilities: jax.Array) -> jax.Array:
    """Computes cross-entropies `[B]` to constant probabilities `[B, N]`."""
    return jnp.asarray(
        optax.softmax_cross_entropy(logits, jax.lax.stop_gradient(probabilities))
    )
