"""Acting on one observation as a pure function: its values, then a choice by them.

The policies of all agents are this and what their actors tell replay. It needs neither
Acme nor replay, so that a trained agent acts without them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe.networks import Network, RecurrentNetwork, ValueOutput
from acme_moe.networks.outputs import map_examples


class ActingState(NamedTuple):
    """What acting changes in an episode.

    Attributes:
      key: of the next action.
      core_state: of a recurrent network's core, without a batch axis; `()` of a network
        without a memory.
    """

    key: jax.Array
    core_state: Any


class Decision(NamedTuple):
    """An action, and what it was chosen by.

    Attributes:
      action: `int32 []`.
      output: of the network for the observation, without a batch axis; routing is the
        mean over the quantiles of a network that has some.
      state: for the next observation of the episode.
    """

    action: jax.Array
    output: ValueOutput
    state: ActingState


def initial_state(network: Network | RecurrentNetwork, key: jax.Array) -> ActingState:
    """Returns the state at an episode's start."""
    if isinstance(network, RecurrentNetwork):
        start = network.initial_state(1)
        return ActingState(key, jax.tree.map(lambda x: x[0], start))
    return ActingState(key, ())


def decide(
    network: Network | RecurrentNetwork,
    params: Any,
    epsilon: jax.typing.ArrayLike,
    observation: Any,
    state: ActingState,
    *,
    evaluation: bool,
) -> Decision:
    """Decides on an action, epsilon-greedily.

    Args:
      network: the agent's.
      params: of the network.
      epsilon: exploration, a number in [0, 1].
      observation: one, without a batch axis.
      state: of the episode so far.
      evaluation: switches the network's own noise off.
    """
    key, network_key, action_key = jax.random.split(state.key, 3)
    batch, core_state = jax.tree.map(
        lambda x: jnp.asarray(x)[None], (observation, state.core_state)
    )
    if isinstance(network, RecurrentNetwork):
        outputs, core_state = network.apply(
            params, network_key, batch, core_state, evaluation=evaluation
        )
    else:
        outputs = network.apply(params, network_key, batch, evaluation=evaluation)
    output = map_examples(lambda x: x[0], outputs)
    # Of one observation it has a row for each quantile, or one row.
    moe = jax.tree.map(lambda x: x.mean(axis=0), outputs.moe)
    output = output._replace(moe=moe)
    return Decision(
        sample_action(action_key, output.q_values, epsilon),
        output,
        ActingState(key, jax.tree.map(lambda x: x[0], core_state)),
    )


def sample_action(
    key: jax.Array, q_values: jax.Array, epsilon: jax.typing.ArrayLike
) -> jax.Array:
    """Samples an epsilon-greedy action, `int32 []`, for Q-values `[A]`.

    Actions of equal value, if it is the highest, are equally likely. The same draws as
    of `distrax.EpsilonGreedy`, whose import takes TensorFlow.
    """
    best = q_values == q_values.max()
    probabilities = (1 - epsilon) * best / best.sum() + epsilon / q_values.size
    action = jax.random.categorical(key, jnp.log(probabilities))
    return action.astype(jnp.int32)
