"""Epsilon-greedy policies as Acme actor cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import distrax
import jax
import jax.numpy as jnp
from acme.agents.jax import actor_core

from acme_moe.learning import ActingVariables
from acme_moe.networks import Network

# learner_steps [] -> epsilon []
EpsilonSchedule = Callable[[jax.Array], jax.Array]


def epsilon_greedy(
    network: Network, epsilon: EpsilonSchedule, *, evaluation: bool
) -> actor_core.ActorCore:
    """A policy whose epsilon follows the learner's steps.

    Args:
      network: as `acme_moe.networks.make_network` returns it.
      epsilon: of the learner's step count.
      evaluation: switches the network's own noise off.

    Returns:
      An actor core whose parameters are `ActingVariables` and whose state is a key.
    """

    def select_action(
        variables: ActingVariables, observation: Any, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        key, network_key, action_key = jax.random.split(key, 3)
        batch = jax.tree.map(lambda x: jnp.asarray(x)[None], observation)
        output = network.apply(
            variables.params, network_key, batch, evaluation=evaluation
        )
        distribution = distrax.EpsilonGreedy(
            output.q_values[0], epsilon(variables.learner_steps)
        )
        action = distribution.sample(seed=action_key)
        return action.astype(jnp.int32), key

    return actor_core.ActorCore(
        init=lambda key: key, select_action=select_action, get_extras=lambda _: ()
    )
