"""Acting on one observation as a pure function: computes values and chooses by them.

The policies of all agents consist of this and of what their actors send to replay. It
needs neither Acme nor replay, so that a trained agent can act without them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from acme_moe.networks import Network, RecurrentNetwork, ValueOutput
from acme_moe.networks.outputs import map_examples


class ActingState(NamedTuple):
    """What changes from one action of an episode to the next.

    Attributes:
      key: random key of the next action.
      core_state: state of a recurrent network's core, without a batch axis; `()` for a
        network without a memory.
    """

    key: jax.Array
    core_state: Any


class Decision(NamedTuple):
    """An action, and what it was chosen by.

    Attributes:
      action: `int32 []`.
      output: the network's output for the observation, without a batch axis. In a
        network with quantiles, the routing is its mean over the quantiles.
      state: the state for the next observation of the episode.
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
      network: the agent's network.
      params: parameters of the network.
      epsilon: probability of a random action.
      observation: one observation, without a batch axis.
      state: the state after the episode's previous action, or its initial state.
      evaluation: switches the network's own noise off.

    Returns:
      The action, the network's output and the next state.
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
    # For one observation, the routing has one row, or one for each quantile.
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

    Actions that share the highest value are equally likely. The draws are the same as
    those of `distrax.EpsilonGreedy`, whose import takes TensorFlow.
    """
    best = q_values == q_values.max()
    probabilities = (1 - epsilon) * best / best.sum() + epsilon / q_values.size
    action = jax.random.categorical(key, jnp.log(probabilities))
    return action.astype(jnp.int32)
