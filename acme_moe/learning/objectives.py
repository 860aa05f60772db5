"""The objectives that agents minimise: a network and a batch in, a scalar out.

An objective is the only thing in which the agents' updates differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe import losses
from acme_moe.error_losses import ERROR_LOSSES
from acme_moe.learning.types import Transition
from acme_moe.networks import Network, NetworkConfig, ValueOutput


class ObjectiveOutput(NamedTuple):
    """Output of an objective beside its value.

    Attributes:
      losses: `float32 [B]`, what each item adds to the loss before it is weighted by
        its probability, without the load-balancing losses, which are of the batch.
      priorities: `float32 [B]`, each item's new priority in prioritised replay.
      metrics: scalars for the log.
    """

    losses: jax.Array
    priorities: jax.Array
    metrics: dict[str, jax.Array]


# (params, target_params, key, batch, probabilities) -> scalar, output; the batch is a
# nest of arrays [B, ...], `Transition` or `Sequences`.
Objective = Callable[
    [Any, Any, jax.Array, Any, jax.Array], tuple[jax.Array, ObjectiveOutput]
]


class LossWeights(NamedTuple):
    """Weights of an objective's losses.

    With a conservative loss of weight 0.1 the objective is CQL's (Kumar et al., 2020);
    with that loss alone, behaviour cloning by the softmax of the Q-values.

    Attributes:
      td: weight of the temporal-difference loss.
      conservative: weight of `losses.conservative_errors`.
    """

    td: float = 1.0
    conservative: float = 0.0


_TD_ALONE = LossWeights()


def q_learning(
    network: Network,
    *,
    discount: float,
    loss: str = "squared",
    double: bool = False,
    weights: LossWeights = _TD_ALONE,
) -> Objective:
    """Makes DQN's loss (Mnih et al. 2015), or double DQN's (van Hasselt et al. 2016).

    Args:
      network: as `acme_moe.networks.make_network` returns it.
      discount: the agent's discount, applied once to `Transition.discount`.
      loss: of the temporal-difference error: `squared` (without a half) or `huber`
        (with delta 1), or the import path of a function of one's own, `[B] -> [B]`.
      double: whether the online network selects the action of the target.
      weights: of the losses that are added.

    Returns:
      The objective; priorities are the absolute errors.

    Raises:
      ValueError: if `loss` is none of them.
    """
    error_loss = ERROR_LOSSES.get(loss)

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        del probabilities
        outputs = _apply(network, params, target_params, key, transitions, double)
        errors = losses.q_learning_errors(
            outputs.online.q_values,
            transitions.action,
            transitions.reward,
            transitions.discount * discount,
            outputs.target.q_values,
            outputs.selector.q_values if double else None,
        )
        item_losses = error_loss(errors)
        value = jnp.mean(item_losses)
        metrics = {"td_error": jnp.mean(jnp.abs(errors))}
        value, item_losses, metrics = _weighted(
            value, item_losses, metrics, outputs, transitions, weights
        )
        output = ObjectiveOutput(item_losses, jnp.abs(errors), metrics)
        return total(network.config, outputs.online, key, value, output)

    return objective


def categorical_q_learning(
    network: Network,
    *,
    discount: float,
    shared_target_noise: bool = False,
    weights: LossWeights = _TD_ALONE,
) -> Objective:
    """Makes Rainbow's loss (Hessel et al. 2018): C51, double, weighted by probability.

    Args:
      network: with a categorical head.
      discount: the agent's discount, applied once to `Transition.discount`.
      shared_target_noise: whether the targets of a batch share one draw of the
        networks' noise, the same for both networks, as in Dopamine; if not, each
        example and each network has its own. Predictions always have their own.
      weights: of the losses that are added.

    Returns:
      The objective; the examples' weights are `1 / sqrt(p)` over their maximum, the
      priorities the square roots of their losses.

    Raises:
      ValueError: if the network has no categorical head.
    """
    if network.config.num_atoms is None:
        raise ValueError(
            "num_atoms: None is not accepted; a number of atoms, at least 2"
        )

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        outputs = _apply(
            network,
            params,
            target_params,
            key,
            transitions,
            double=True,
            shared_noise=shared_target_noise,
        )
        online, target = outputs.online, outputs.target
        assert online.logits is not None
        assert online.atoms is not None
        assert target.logits is not None
        errors = losses.categorical_double_q_errors(
            online.logits,
            online.atoms,
            transitions.action,
            transitions.reward,
            transitions.discount * discount,
            target.logits,
            outputs.selector.q_values,
        )
        value = jnp.mean(losses.importance_weights(probabilities) * errors)
        metrics = {"cross_entropy": jnp.mean(errors)}
        value, item_losses, metrics = _weighted(
            value, errors, metrics, outputs, transitions, weights
        )
        output = ObjectiveOutput(item_losses, losses.priorities(errors), metrics)
        return total(network.config, outputs.online, key, value, output)

    return objective


class _Values(NamedTuple):
    """The fields of `ValueOutput` that targets are computed from."""

    q_values: jax.Array
    logits: jax.Array | None


class _Outputs(NamedTuple):
    """Outputs of the online network at both ends of transitions, and of the target."""

    online: ValueOutput
    selector: _Values
    target: _Values


def _apply(
    network: Network,
    params: Any,
    target_params: Any,
    key: jax.Array,
    transitions: Transition,
    double: bool,
    shared_noise: bool = False,
) -> _Outputs:
    online_key, target_key, selector_key = jax.random.split(key, 3)
    next_values = _values
    if shared_noise:
        next_values, selector_key = _values_with_one_draw, target_key
    next_observation = transitions.next_observation
    target = next_values(network, target_params, target_key, next_observation)
    selector = target
    if double:
        selector = next_values(network, params, selector_key, next_observation)
        # It only selects actions; without this its backward pass is kept.
        selector = jax.lax.stop_gradient(selector)
    online = network.apply(params, online_key, transitions.observation)
    return _Outputs(online, selector, target)


def _values(
    network: Network, params: Any, key: jax.Array, observations: Any
) -> _Values:
    output = network.apply(params, key, observations)
    return _Values(output.q_values, output.logits)


def _values_with_one_draw(
    network: Network, params: Any, key: jax.Array, observations: Any
) -> _Values:
    """Applies a network with the same noise to each of a batch of observations.

    A network draws noise for each example of its batch, so each goes in as a batch of
    one, with the same key. It costs no more: XLA makes batched products of it again.
    """

    def values_of_one(observation: Any) -> _Values:
        batch_of_one = jax.tree.map(lambda x: x[None], observation)
        values = _values(network, params, key, batch_of_one)
        return jax.tree.map(lambda x: x[0], values)

    return jax.vmap(values_of_one)(observations)


def _weighted(
    value: jax.Array,
    item_losses: jax.Array,
    metrics: dict[str, jax.Array],
    outputs: _Outputs,
    transitions: Transition,
    weights: LossWeights,
) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
    """Applies the weights; a conservative loss of weight zero is not computed."""
    value = weights.td * value
    item_losses = weights.td * item_losses
    if weights.conservative:
        errors = losses.conservative_errors(outputs.online.q_values, transitions.action)
        conservative = jnp.mean(errors)
        value += weights.conservative * conservative
        item_losses += weights.conservative * errors
        metrics = {**metrics, "conservative_loss": conservative}
    return value, item_losses, metrics


def total(
    config: NetworkConfig,
    online: ValueOutput,
    key: jax.Array,
    value: jax.Array,
    output: ObjectiveOutput,
    mask: jax.Array | None = None,
) -> tuple[jax.Array, ObjectiveOutput]:
    """Adds the load-balancing losses that the network's settings ask for.

    Args:
      config: the network's settings.
      online: the network's output on the observations `[B, ...]` that are trained on.
      key: the objective's.
      value: the loss so far.
      output: the objective's output, to whose metrics mean value and loss are added.
      mask: `[B]` bool, the observations that count; all of them if None.

    Returns:
      An objective's value and output.
    """
    best = jnp.max(online.q_values, axis=-1)
    metrics = {**output.metrics, "q_value": jnp.mean(best, where=mask)}
    moe = online.moe
    if moe is not None and (config.importance_weight or config.load_weight):
        balancing = losses.load_balancing_loss(
            jax.random.fold_in(key, 1),
            moe.logits,
            moe.probabilities,
            config.importance_weight,
            config.load_weight,
            config.load_noise,
            mask,
        )
        value += balancing
        metrics["load_balancing_loss"] = balancing
    metrics["loss"] = value
    return value, output._replace(metrics=metrics)
