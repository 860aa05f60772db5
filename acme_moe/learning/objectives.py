"""The objectives that agents minimise: a network and a batch in, a scalar out.

The agents' updates differ in nothing but their objectives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe import losses
from acme_moe.learning import item_losses
from acme_moe.learning.metrics import joined
from acme_moe.learning.outputs import BALANCING_FOLD, apply_to_both_ends
from acme_moe.learning.types import Transition, check_columns
from acme_moe.loss_settings import (
    C51,
    NO_MUNCHAUSEN,
    NO_OPTIONS,
    Munchausen,
    check_double,
)
from acme_moe.networks import Network, NetworkConfig, ValueOutput


class ObjectiveOutput(NamedTuple):
    """Output of an objective besides its value.

    Attributes:
      losses: `float32 [B]`, what each item adds to the loss before it is weighted by
        its probability, without the load-balancing losses, which belong to the batch as
        a whole.
      priorities: `float32 [B]`, each item's new priority in prioritised replay.
      metrics: scalars for the log, to which an update adds `loss` and `gradient_norm`.
    """

    losses: jax.Array
    priorities: jax.Array
    metrics: dict[str, jax.Array]


# (params, target_params, key, batch, probabilities) -> scalar, output; the batch is a
# nest of arrays [B, ...], `Transition` or `Sequences`.
Objective = Callable[
    [Any, Any, jax.Array, Any, jax.Array], tuple[jax.Array, ObjectiveOutput]
]


def q_learning(
    network: Network,
    *,
    discount: float,
    loss: str = "squared",
    loss_options: Mapping[str, Any] = NO_OPTIONS,
    double: bool = False,
    munchausen: Munchausen = NO_MUNCHAUSEN,
    td_weight: float = 1.0,
    conservative_weight: float = 0.0,
) -> Objective:
    """Makes DQN's loss (Mnih et al. 2015), or double DQN's (van Hasselt et al. 2016).

    Args:
      network: as `acme_moe.networks.make_network` returns it.
      discount: the agent's discount, applied once to `Transition.discount`.
      loss: loss of the temporal-difference error: `squared` (without a half), `huber`
        (with delta 1), or the import path of the user's own `[B] -> [B]`; with a
        categorical head also `hl_gauss`, `two_hot` or the import path of a
        `loss_settings.ClassificationLoss`, which compare logits with targets; with
        quantiles `quantile`.
      loss_options: options of a loss that is not the library's.
      double: whether the online network selects the target's action.
      munchausen: settings of Munchausen targets, which select no action;
        `acme_moe.losses.Munchausen`.
      td_weight: weight of the temporal-difference loss.
      conservative_weight: weight of `losses.conservative_losses`. With a weight of 0.1
        the objective is CQL's (Kumar et al., 2020); with that loss alone, behaviour
        cloning by the softmax of the Q-values.

    Returns:
      The objective; priorities are the absolute errors.

    Raises:
      ValueError: if `loss` is none of them or needs another network, or `double` is
        asked for with Munchausen targets.
    """
    check_double(double, munchausen)
    item_loss = item_losses.value_loss(
        network.config, loss, discount, munchausen, loss_options
    )
    total = functools.partial(_total, network.config, td_weight, conservative_weight)

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        del probabilities
        outputs = apply_to_both_ends(
            network,
            params,
            target_params,
            key,
            transitions,
            double,
            with_target_before=munchausen.alpha > 0,
        )
        errors = item_losses.temporal_differences(
            outputs, transitions, discount, munchausen
        )
        each = item_loss(outputs, transitions)
        metrics = {"td_error": jnp.mean(jnp.abs(errors))}
        output = ObjectiveOutput(each, jnp.abs(errors), metrics)
        return total(outputs.online, key, transitions, jnp.mean(each), output)

    return objective


def categorical_q_learning(
    network: Network,
    *,
    discount: float,
    loss: str = C51,
    loss_options: Mapping[str, Any] = NO_OPTIONS,
    shared_target_noise: bool = False,
    td_weight: float = 1.0,
    conservative_weight: float = 0.0,
) -> Objective:
    """Makes Rainbow's loss (Hessel et al. 2018): double, weighted by probability.

    Args:
      network: a network with a categorical head.
      discount: the agent's discount, applied once to `Transition.discount`.
      loss: `c51`, or a loss to the target's mean: `hl_gauss`, `two_hot`, or the import
        path of a `loss_settings.ClassificationLoss`.
      loss_options: options of a loss that is not the library's.
      shared_target_noise: whether the targets of a batch share one draw of the
        networks' noise, the same for both networks, as in Dopamine; if not, each
        example and each network has its own. Predictions always have their own.
      td_weight: weight of the cross-entropy.
      conservative_weight: see `q_learning`.

    Returns:
      The objective. The examples are weighted by `1 / sqrt(p)`, divided by the largest
      of these weights; priorities are the square roots of the examples' losses.

    Raises:
      ValueError: if `loss` is none of them, or the network has no categorical head.
    """
    item_loss = item_losses.distribution_loss(
        network.config, loss, discount, loss_options
    )
    total = functools.partial(_total, network.config, td_weight, conservative_weight)

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        check_columns(probabilities=probabilities)
        outputs = apply_to_both_ends(
            network,
            params,
            target_params,
            key,
            transitions,
            double=True,
            shared_noise=shared_target_noise,
        )
        each = item_loss(outputs, transitions)
        value = jnp.mean(losses.importance_weights(probabilities) * each)
        metrics = {"cross_entropy": jnp.mean(each)}
        output = ObjectiveOutput(each, losses.priorities(each), metrics)
        return total(outputs.online, key, transitions, value, output)

    return objective


def _total(
    config: NetworkConfig,
    td_weight: float,
    conservative_weight: float,
    online: ValueOutput,
    key: jax.Array,
    transitions: Transition,
    value: jax.Array,
    output: ObjectiveOutput,
) -> tuple[jax.Array, ObjectiveOutput]:
    """Applies the weights, and adds the conservative loss and those of the mixture.

    A conservative loss of weight zero is not computed.
    """
    value = td_weight * value
    each = td_weight * output.losses
    metrics = output.metrics
    if conservative_weight:
        own = losses.conservative_losses(online.q_values, transitions.action)
        conservative = jnp.mean(own)
        value += conservative_weight * conservative
        each += conservative_weight * own
        metrics = joined(metrics, {"conservative_loss": conservative})
    output = output._replace(losses=each, metrics=metrics)
    return add_mixture_losses(config, online, key, value, output)


def add_mixture_losses(
    config: NetworkConfig,
    online: ValueOutput,
    key: jax.Array,
    value: jax.Array,
    output: ObjectiveOutput,
    mask: jax.Array | None = None,
) -> tuple[jax.Array, ObjectiveOutput]:
    """Adds the mixture's losses, those that the settings ask for and its own.

    An objective that does not call this trains without them.

    Args:
      config: the network's settings.
      online: the network's output on the observations `[B, ...]` that are trained on.
      key: the objective's.
      value: the loss so far.
      output: the objective's output; the mean value and what the mixture measures are
        added to its metrics.
      mask: `[B]` bool, the observations that count; all of them if None.

    Returns:
      An objective's value and output.

    Raises:
      ValueError: if two metrics have one name.
    """
    best = jnp.max(online.q_values, axis=-1)
    added = mixture_losses(config, online, key, mask)
    metrics = joined(output.metrics, {"q_value": jnp.mean(best, where=mask), **added})
    for loss in added.values():
        value += loss
    moe = online.moe
    if moe is not None and moe.metrics:
        measured = {
            name: jnp.mean(each, where=mask) for name, each in moe.metrics.items()
        }
        metrics = joined(metrics, measured)
    return value, output._replace(metrics=metrics)


def mixture_losses(
    config: NetworkConfig,
    online: ValueOutput,
    key: jax.Array,
    mask: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Returns what `add_mixture_losses` adds, by the names of its metrics."""
    moe, found = online.moe, {}
    if moe is not None and (config.importance_weight or config.load_weight):
        found["load_balancing_loss"] = losses.load_balancing_loss(
            jax.random.fold_in(key, BALANCING_FOLD),
            moe.logits,
            moe.probabilities,
            config.importance_weight,
            config.load_weight,
            config.load_noise,
            mask,
        )
    if moe is not None and moe.auxiliary_loss is not None:
        found["auxiliary_loss"] = jnp.mean(moe.auxiliary_loss, where=mask)
    return found
