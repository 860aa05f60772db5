"""Epsilon-greedy policies as Acme actor cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from acme.agents.jax import actor_core

from acme_moe.agents import acting
from acme_moe.learning import ActingVariables
from acme_moe.networks import Network

# learner_steps [] -> epsilon []
EpsilonSchedule = Callable[[jax.Array], jax.Array]


class _PolicyState(NamedTuple):
    """The state of acting, and the newest priority of new items."""

    acting: acting.ActingState
    priority: jax.Array


def epsilon_greedy(
    network: Network,
    epsilon: EpsilonSchedule,
    *,
    evaluation: bool,
    prioritized: bool = False,
) -> actor_core.ActorCore:
    """Makes a policy whose epsilon depends on the learner's steps.

    Args:
      network: as `acme_moe.networks.make_network` returns it.
      epsilon: exploration as a function of the learner's step count.
      evaluation: switches the network's own noise off.
      prioritized: whether the extras carry the priority of new items to the adder; it
        comes with the parameters, so it reaches every actor.

    Returns:
      An actor core whose parameters are `ActingVariables`.
    """

    def select_action(
        variables: ActingVariables, observation: Any, state: _PolicyState
    ) -> tuple[jax.Array, _PolicyState]:
        decision = acting.decide(
            network,
            variables.params,
            epsilon(variables.learner_steps),
            observation,
            state.acting,
            evaluation=evaluation,
        )
        priority = jnp.asarray(variables.max_priority, jnp.float32)
        return decision.action, _PolicyState(decision.state, priority)

    def get_extras(state: _PolicyState) -> Any:
        return {"priority": state.priority} if prioritized else ()

    return actor_core.ActorCore(
        init=lambda key: _PolicyState(acting.initial_state(network, key), jnp.ones(())),
        select_action=select_action,
        get_extras=get_extras,
    )
