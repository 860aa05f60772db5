"""Epsilon-greedy policies as Acme actor cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from acme.agents.jax import actor_core

from acme_moe.agents import acting
from acme_moe.learning import ActingVariables
from acme_moe.networks import Network, RecurrentNetwork
from acme_moe.replay import CORE_STATE

# learner_steps [] -> epsilon []
EpsilonSchedule = Callable[[jax.Array], jax.Array]


class PolicyState(NamedTuple):
    """The policy's state in an episode; a new episode starts from `init`.

    Attributes:
      acting: the state for the next action.
      priority: `float32 []`, the newest priority of new items.
      epsilon: `float32 []`, the least exploration in this episode; `()` for a network
        without a memory.
      previous_core_state: the core's state before the last action, for replay; `()`
        for a network without a memory.
    """

    acting: acting.ActingState
    priority: jax.Array
    epsilon: Any
    previous_core_state: Any


def epsilon_greedy(
    network: Network | RecurrentNetwork,
    epsilon: EpsilonSchedule,
    *,
    evaluation: bool,
    prioritized: bool = False,
    episode_epsilons: Sequence[float] = (0.0,),
) -> actor_core.ActorCore:
    """Makes a policy whose epsilon depends on the learner's steps.

    Args:
      network: the agent's network.
      epsilon: exploration as a function of the learner's step count.
      evaluation: switches the network's own noise off.
      prioritized: whether the extras carry the priority of new items to the adder; it
        comes with the parameters, so it reaches every actor.
      episode_epsilons: with a recurrent network, values of which each episode samples
        one, as a lower bound of its exploration.

    Returns:
      An actor core whose parameters are `ActingVariables`, whose state is a
      `PolicyState`, and whose extras are what the adders take: `SequenceAdder`, if the
      network is recurrent.
    """
    recurrent = isinstance(network, RecurrentNetwork)
    epsilons = jnp.asarray(episode_epsilons, jnp.float32)

    def init(key: jax.Array) -> PolicyState:
        least: Any = ()
        if recurrent:
            key, epsilon_key = jax.random.split(key)
            least = jax.random.choice(epsilon_key, epsilons)
        start = acting.initial_state(network, key)
        return PolicyState(start, jnp.ones(()), least, start.core_state)

    def select_action(
        variables: ActingVariables, observation: Any, state: PolicyState
    ) -> tuple[jax.Array, PolicyState]:
        explored = epsilon(variables.learner_steps)
        if recurrent:
            explored = jnp.maximum(explored, state.epsilon)
        decision = acting.decide(
            network,
            variables.params,
            explored,
            observation,
            state.acting,
            evaluation=evaluation,
        )
        priority = jnp.asarray(variables.max_priority, jnp.float32)
        return decision.action, PolicyState(
            decision.state, priority, state.epsilon, state.acting.core_state
        )

    def get_extras(state: PolicyState) -> Any:
        extras: dict[str, Any] = {}
        if recurrent:
            extras[CORE_STATE] = state.previous_core_state
        if prioritized:
            extras["priority"] = state.priority
        return extras or ()

    return actor_core.ActorCore(
        init=init, select_action=select_action, get_extras=get_extras
    )
