"""Outputs of the networks at both ends of transitions."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from acme_moe.learning.types import Transition, check_columns
from acme_moe.networks import Network, ValueOutput

# An objective folds these into its key, which it also splits. `split` itself folds in
# 0, 1, ... (with `jax_threefry_partitionable`), so these are numbers it does not reach.
BEFORE_FOLD = 2**31
BALANCING_FOLD = 2**31 + 1


class Values(NamedTuple):
    """The fields of `ValueOutput` that targets are computed from."""

    q_values: jax.Array
    logits: jax.Array | None
    quantile_values: jax.Array | None


class Outputs(NamedTuple):
    """Outputs of the networks at both ends of transitions.

    Attributes:
      online: of the online network on the states.
      selector: on the next states, of the network that selects their actions.
      target: of the target network on the next states.
      target_before: of the target network on the states, where that is asked for.
    """

    online: ValueOutput
    selector: Values
    target: Values
    target_before: Values | None = None


def apply_to_both_ends(
    network: Network,
    params: Any,
    target_params: Any,
    key: jax.Array,
    transitions: Transition,
    double: bool,
    shared_noise: bool = False,
    with_target_before: bool = False,
) -> Outputs:
    """Applies the networks that a loss of transitions needs.

    Args:
      network: the network that both sets of parameters belong to.
      params: parameters of the online network.
      target_params: parameters of the target network.
      key: random key for the noise of all applications.
      transitions: a batch.
      double: whether the online network selects the actions of the targets.
      shared_noise: whether all targets share one draw of the noise.
      with_target_before: whether the target network is also applied to the states.

    Raises:
      ValueError: if actions, rewards or discounts are not `[B]`.
    """
    check_columns(
        action=transitions.action,
        reward=transitions.reward,
        discount=transitions.discount,
    )
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
    before = None
    if with_target_before:
        before_key = jax.random.fold_in(key, BEFORE_FOLD)
        before = _values(network, target_params, before_key, transitions.observation)
    return Outputs(online, selector, target, before)


def _values(network: Network, params: Any, key: jax.Array, observations: Any) -> Values:
    output = network.apply(params, key, observations)
    return Values(output.q_values, output.logits, output.quantile_values)


def _values_with_one_draw(
    network: Network, params: Any, key: jax.Array, observations: Any
) -> Values:
    """Applies a network with the same noise to each of a batch of observations.

    A network draws noise for each example of its batch, so each goes in as a batch of
    one, with the same key. It costs no more: XLA makes batched products of it again.
    """

    def values_of_one(observation: Any) -> Values:
        batch_of_one = jax.tree.map(lambda x: x[None], observation)
        values = _values(network, params, key, batch_of_one)
        return jax.tree.map(lambda x: x[0], values)

    return jax.vmap(values_of_one)(observations)
