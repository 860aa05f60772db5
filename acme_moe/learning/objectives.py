"""What an agent minimises: a network and a batch in, a scalar out.

An objective is the only thing in which the agents' updates differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe import losses
from acme_moe.learning.types import Transition
from acme_moe.networks import Network


class ObjectiveOutput(NamedTuple):
    """What an objective reports beside its value.

    Attributes:
      priorities: `float32 [B]`, what prioritised replay is told of each item.
      metrics: scalars for the log.
    """

    priorities: jax.Array
    metrics: dict[str, jax.Array]


# (params, target_params, key, transitions, probabilities) -> scalar, output
Objective = Callable[
    [Any, Any, jax.Array, Transition, jax.Array], tuple[jax.Array, ObjectiveOutput]
]

_ERROR_LOSSES = {"huber": losses.huber, "squared": losses.squared}


def q_learning(
    network: Network,
    *,
    discount: float,
    loss: str = "huber",
    double: bool = False,
) -> Objective:
    """The (double) Q-learning loss of DQN (Mnih et al. 2015; van Hasselt et al. 2016).

    Args:
      network: as `acme_moe.networks.make_network` returns it.
      discount: the agent's discount, applied once to `Transition.discount`.
      loss: of the temporal-difference error: `huber` (with delta 1) or `squared`.
      double: whether the online network selects the action of the target.

    Returns:
      The objective; priorities are the absolute errors.

    Raises:
      ValueError: if `loss` is neither.
    """
    if loss not in _ERROR_LOSSES:
        accepted = ", ".join(sorted(_ERROR_LOSSES))
        raise ValueError(f"loss: {loss!r} is not known; accepted: {accepted}")

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        transitions: Transition,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        del probabilities
        online_key, target_key, selector_key = jax.random.split(key, 3)
        online = network.apply(params, online_key, transitions.observation)
        target = network.apply(target_params, target_key, transitions.next_observation)
        selector = None
        if double:
            selector = network.apply(
                params, selector_key, transitions.next_observation
            ).q_values
        errors = losses.q_learning_errors(
            online.q_values,
            transitions.action,
            transitions.reward,
            transitions.discount * discount,
            target.q_values,
            selector,
        )
        value = jnp.mean(_ERROR_LOSSES[loss](errors))
        metrics = {
            "loss": value,
            "q_value": jnp.mean(jnp.max(online.q_values, axis=-1)),
            "td_error": jnp.mean(jnp.abs(errors)),
        }
        return value, ObjectiveOutput(jnp.abs(errors), metrics)

    return objective
