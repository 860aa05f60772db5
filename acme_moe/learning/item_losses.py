"""The loss of each transition of a batch, by its name in an agent's settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import rlax

from acme_moe import losses
from acme_moe.learning.outputs import Outputs
from acme_moe.learning.types import Transition
from acme_moe.loss_settings import (
    C51,
    NO_MUNCHAUSEN,
    NO_OPTIONS,
    QUANTILE,
    ClassificationLoss,
    Munchausen,
    check_distribution_loss,
    check_value_loss,
    complete_options,
    load,
)
from acme_moe.networks import NetworkConfig

# (outputs, transitions) -> float32 [B]
ItemLoss = Callable[[Outputs, Transition], jax.Array]


def value_loss(
    config: NetworkConfig,
    loss: str,
    discount: float,
    munchausen: Munchausen = NO_MUNCHAUSEN,
    loss_options: Mapping[str, Any] = NO_OPTIONS,
) -> ItemLoss:
    """Returns a loss whose targets are values, as in Q-learning.

    Args:
      config: the network's settings.
      loss: a name, or the import path of an `ErrorLoss` or a `ClassificationLoss`.
      discount: the agent's discount.
      munchausen: settings of Munchausen targets.
      loss_options: options of a loss that is not the library's.

    Raises:
      ValueError: if there is no such loss, it does not take such options, or it needs
        another network.
    """
    check_value_loss(loss, config.num_atoms, config.num_quantiles)
    if loss == QUANTILE:
        complete_options(loss, loss_options)
        return _quantile(discount, munchausen)
    found, of_categories = load(loss, loss_options)
    if of_categories:
        return _classified(found, discount, munchausen)

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        return found(temporal_differences(outputs, transitions, discount, munchausen))

    return item_loss


def distribution_loss(
    config: NetworkConfig,
    loss: str,
    discount: float,
    loss_options: Mapping[str, Any] = NO_OPTIONS,
) -> ItemLoss:
    """Returns a loss of categorical predictions, as in Rainbow.

    Args:
      config: the network's settings.
      loss: a name, or the import path of a `ClassificationLoss`.
      discount: the agent's.
      loss_options: options of a loss that is not the library's.

    Raises:
      ValueError: if there is no such loss, it does not take such options, or the head
        is not categorical.
    """
    check_distribution_loss(loss)
    if config.num_atoms is None:
        raise ValueError(
            "num_atoms: None is not accepted; a number of atoms, at least 2"
        )
    if loss != C51:
        return _classified(load(loss, loss_options)[0], discount)
    complete_options(loss, loss_options)

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        online, target = outputs.online, outputs.target
        assert online.logits is not None
        assert online.atoms is not None
        assert target.logits is not None
        return losses.categorical_double_q_losses(
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
    outputs: Outputs,
    transitions: Transition,
    discount: float,
    munchausen: Munchausen = NO_MUNCHAUSEN,
) -> jax.Array:
    """Computes the errors of (double) or Munchausen Q-learning, `[B]`."""
    if munchausen.alpha:
        targets = _targets(outputs, transitions, discount, munchausen)
        return targets - losses.index_by_action(
            outputs.online.q_values, transitions.action
        )
    return losses.q_learning_errors(
        outputs.online.q_values,
        transitions.action,
        transitions.reward,
        transitions.discount * discount,
        outputs.target.q_values,
        outputs.selector.q_values,
    )


def _targets(
    outputs: Outputs,
    transitions: Transition,
    discount: float,
    munchausen: Munchausen,
    quantiles: bool = False,
) -> jax.Array:
    """Computes targets of the action values `[B]`, or of their quantiles `[B, N]`."""
    q_values = outputs.target.q_values
    next_values = outputs.target.quantile_values if quantiles else q_values
    assert next_values is not None
    rewards, discounts = transitions.reward, transitions.discount * discount
    if munchausen.alpha:
        assert outputs.target_before is not None
        rewards = losses.munchausen_rewards(
            rewards, outputs.target_before.q_values, transitions.action, munchausen
        )
        values = losses.soft_values(q_values, next_values, munchausen)
    else:
        best = jnp.argmax(outputs.selector.q_values, axis=-1)
        values = losses.index_by_action(next_values, best)
    if quantiles:
        rewards, discounts = rewards[:, None], discounts[:, None]
    return jax.lax.stop_gradient(rewards + discounts * values)


def _quantile(discount: float, munchausen: Munchausen) -> ItemLoss:
    """Returns IQN's loss of the taken action's quantiles to the target's quantiles.

    Dabney et al. (2018): Huber's loss with kappa 1, summed over the former and averaged
    over the latter.
    """

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        quantiles, levels = outputs.online.quantile_values, outputs.online.levels
        assert quantiles is not None
        assert levels is not None
        targets = _targets(outputs, transitions, discount, munchausen, quantiles=True)
        regression = functools.partial(rlax.quantile_regression_loss, huber_param=1.0)
        taken = losses.index_by_action(quantiles, transitions.action)
        return jnp.asarray(jax.vmap(regression)(taken, levels, targets))

    return item_loss


def _classified(
    loss: ClassificationLoss,
    discount: float,
    munchausen: Munchausen = NO_MUNCHAUSEN,
) -> ItemLoss:
    """Returns a classification loss of the taken action's logits to the mean target."""

    def item_loss(outputs: Outputs, transitions: Transition) -> jax.Array:
        logits, atoms = outputs.online.logits, outputs.online.atoms
        assert logits is not None
        assert atoms is not None
        targets = _targets(outputs, transitions, discount, munchausen)
        taken = losses.index_by_action(logits, transitions.action, axis=1)
        return loss(taken, targets, atoms)

    return item_loss
