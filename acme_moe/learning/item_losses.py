"""The loss of each transition of a batch, by its name in an agent's settings."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from acme_moe import losses
from acme_moe.error_losses import (
    C51,
    CLASSIFICATION_LOSSES,
    ERROR_LOSSES,
    ClassificationLoss,
)
from acme_moe.learning.outputs import Outputs
from acme_moe.learning.types import Transition
from acme_moe.networks import NetworkConfig

# (outputs, transitions) -> float32 [B]
ItemLoss = Callable[[Outputs, Transition], jax.Array]


def of_values(config: NetworkConfig, loss: str, discount: float) -> ItemLoss:
    """Returns a loss whose targets are values, as in Q-learning.

    Args:
      config: the network's settings.
      loss: a name, or the import path of an `ErrorLoss`.
      discount: the agent's.

    Raises:
      ValueError: if there is no such loss, or it needs a categorical head.
    """
    if loss in CLASSIFICATION_LOSSES:
        return _classified(config, CLASSIFICATION_LOSSES.get(loss), discount)
    error_loss = ERROR_LOSSES.get(loss)

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        return error_loss(temporal_differences(outputs, transitions, discount))

    return item_loss


def of_distributions(config: NetworkConfig, loss: str, discount: float) -> ItemLoss:
    """Returns a loss of categorical predictions, as in Rainbow.

    Args:
      config: the network's settings.
      loss: a name, or the import path of a `ClassificationLoss`.
      discount: the agent's.

    Raises:
      ValueError: if there is no such loss, or the head is not categorical.
    """
    if loss != C51:
        return _classified(config, CLASSIFICATION_LOSSES.get(loss), discount)
    _require_atoms(config)

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        online, target = outputs.online, outputs.target
        assert online.logits is not None
        assert online.atoms is not None
        assert target.logits is not None
        return losses.categorical_double_q_errors(
            online.logits,
            online.atoms,
            transitions.action,
            transitions.reward,
            transitions.discount * discount,
            target.logits,
            outputs.selector.q_values,
        )

    return item_loss


def temporal_differences(
    outputs: Outputs, transitions: Transition, discount: float
) -> jax.Array:
    """Computes the errors of (double) Q-learning, `[B]`."""
    return losses.q_learning_errors(
        outputs.online.q_values,
        transitions.action,
        transitions.reward,
        transitions.discount * discount,
        outputs.target.q_values,
        outputs.selector.q_values,
    )


def _classified(
    config: NetworkConfig, loss: ClassificationLoss, discount: float
) -> ItemLoss:
    """Returns the loss of the logits of the action taken, to the mean of the target."""
    _require_atoms(config)

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        logits, atoms = outputs.online.logits, outputs.online.atoms
        assert logits is not None
        assert atoms is not None
        targets = losses.q_learning_targets(
            transitions.reward,
            transitions.discount * discount,
            outputs.target.q_values,
            outputs.selector.q_values,
        )
        taken = transitions.action[:, None, None]
        return loss(jnp.take_along_axis(logits, taken, axis=1)[:, 0], targets, atoms)

    return item_loss


def _require_atoms(config: NetworkConfig) -> None:
    if config.num_atoms is None:
        raise ValueError(
            "num_atoms: None is not accepted; a number of atoms, at least 2"
        )
