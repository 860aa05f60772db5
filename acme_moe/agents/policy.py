"""Epsilon-greedy policies as Acme actor cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import distrax
import jax
import jax.numpy as jnp
from acme.agents.jax import actor_core

from acme_moe.learning import ActingVariables
from acme_moe.networks import Network

# learner_steps [] -> epsilon []
EpsilonSchedule = Callable[[jax.Array], jax.Array]


class _PolicyState(NamedTuple):
    """The key of the next action, and the newest priority of new items."""

    key: jax.Array
    priority: jax.Array


def sample_action(key: jax.Array, q_values: jax.Array, epsilon: jax.Array) -> jax.Array:
    """Samples an epsilon-greedy action, `int32 []`, for Q-values `[A]`."""
    action = distrax.EpsilonGreedy(q_values, epsilon).sample(seed=key)
    return action.astype(jnp.int32)


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
      epsilon: of the learner's step count.
      evaluation: switches the network's own noise off.
      prioritized: whether the extras carry the priority of new items to the adder; it
        comes with the parameters, so it reaches every actor.

    Returns:
      An actor core whose parameters are `ActingVariables`.
    """

    def select_action(
        variables: ActingVariables, observation: Any, state: _PolicyState
    ) -> tuple[jax.Array, _PolicyState]:
        key, network_key, action_key = jax.random.split(state.key, 3)
        batch = jax.tree.map(lambda x: jnp.asarray(x)[None], observation)
        output = network.apply(
            variables.params, network_key, batch, evaluation=evaluation
        )
        action = sample_action(
            action_key, output.q_values[0], epsilon(variables.learner_steps)
        )
        state = _PolicyState(key, jnp.asarray(variables.max_priority, jnp.float32))
        return action, state

    def get_extras(state: _PolicyState) -> Any:
        return {"priority": state.priority} if prioritized else ()

    return actor_core.ActorCore(
        init=lambda key: _PolicyState(key, jnp.ones(())),
        select_action=select_action,
        get_extras=get_extras,
    )
