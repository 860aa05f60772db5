"""R2D2's policy as an Acme actor core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from acme.agents.jax import actor_core

from acme_moe.agents import acting
from acme_moe.agents.policy import EpsilonSchedule
from acme_moe.learning import ActingVariables
from acme_moe.networks import RecurrentNetwork
from acme_moe.replay import CORE_STATE


class RecurrentPolicyState(NamedTuple):
    """The policy's state in an episode; a new episode starts from `init`.

    Attributes:
      key: random key for the next action.
      epsilon: `float32 []`, the least exploration in this episode.
      core_state: state of the network's recurrent core, without a batch axis.
      previous_core_state: the core's state before the last action, for replay.
    """

    key: jax.Array
    epsilon: jax.Array
    core_state: Any
    previous_core_state: Any


def recurrent_epsilon_greedy(
    network: RecurrentNetwork,
    epsilon: EpsilonSchedule,
    *,
    episode_epsilons: Sequence[float],
    evaluation: bool,
) -> actor_core.ActorCore:
    """Makes an epsilon-greedy policy with a recurrent state.

    Args:
      network: as `acme_moe.networks.make_recurrent_network` returns it.
      epsilon: exploration as a function of the learner's step count.
      episode_epsilons: values of which each episode samples one, as a lower bound of
        its exploration.
      evaluation: switches the network's own noise off.

    Returns:
      An actor core whose parameters are `ActingVariables`, whose state is a
      `RecurrentPolicyState`, and whose extras are what `SequenceAdder` takes.
    """
    epsilons = jnp.asarray(episode_epsilons, jnp.float32)

    def init(key: jax.Array) -> RecurrentPolicyState:
        key, epsilon_key = jax.random.split(key)
        key, start = acting.initial_state(network, key)
        return RecurrentPolicyState(
            key, jax.random.choice(epsilon_key, epsilons), start, start
        )

    def select_action(
        variables: ActingVariables, observation: Any, state: RecurrentPolicyState
    ) -> tuple[jax.Array, RecurrentPolicyState]:
        decision = acting.decide(
            network,
            variables.params,
            jnp.maximum(epsilon(variables.learner_steps), state.epsilon),
            observation,
            acting.ActingState(state.key, state.core_state),
            evaluation=evaluation,
        )
        key, core_state = decision.state
        return decision.action, RecurrentPolicyState(
            key, state.epsilon, core_state, state.core_state
        )

    def get_extras(state: RecurrentPolicyState) -> dict[str, Any]:
        return {CORE_STATE: state.previous_core_state}

    return actor_core.ActorCore(
        init=init, select_action=select_action, get_extras=get_extras
    )
