"""Recurrent value networks, as R2D2 has them (Kapturowski et al., 2019)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe import validation
from acme_moe.networks import heads, layers, torso
from acme_moe.networks.outputs import ValueOutput, map_examples
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.value_network import (
    apply_torso,
    head_layer,
    head_spec,
    value_output,
)
from acme_moe.registry import is_path

_OBSERVATION_ACTION_REWARD = ("observation", "action", "reward")


@dataclasses.dataclass(frozen=True)
class RecurrentNetwork:
    """A recurrent value network as pure functions.

    Attributes:
      init: `(rng, observations) -> params`, observations `[B, ...]`.
      apply: `(params, rng, observations, state, evaluation=False) -> (ValueOutput,
        state)`, one step on observations `[B, ...]`.
      unroll: the same on observations `[T, B, ...]`, from the state before the first;
        everything that it returns, except the state and `atoms`, has the leading axes
        `[T, B]`.
      initial_state: `(batch_size) -> state` of zeros.
      config: settings of everything but the LSTM and the width of the head.
      num_actions: number of actions.

    Jit `apply` and `unroll` with `evaluation` static. Observations are those of
    `Network`, or a named tuple `(observation, action, reward)` that adds the previous
    action and reward, both `[B]`; the LSTM then sees these two as well.
    """

    init: Callable[[jax.Array, Any], hk.Params]
    apply: Callable[..., tuple[ValueOutput, hk.LSTMState]]
    unroll: Callable[..., tuple[ValueOutput, hk.LSTMState]]
    initial_state: Callable[[int], hk.LSTMState]
    config: NetworkConfig
    num_actions: int


def make_recurrent_network(
    config: NetworkConfig,
    num_actions: int,
    lstm_size: int = 512,
    head_width: int = 512,
) -> RecurrentNetwork:
    """Makes torso -> LSTM -> head, as Acme's `R2D2AtariNetwork`.

    The library's head has a hidden layer, or one in each stream if it is dueling; a
    head named by an import path reads the LSTM's output directly. The mixture of
    experts takes the place of the dense layer before the LSTM. In the variants `big`
    and `all`, too, it ends before the LSTM.

    Args:
      config: settings of the torso and the head.
      num_actions: number of actions.
      lstm_size: units of the LSTM.
      head_width: units of each of the head's hidden layers.

    Returns:
      The network's pure functions.

    Raises:
      ValueError: `lstm_size` or `head_width` is less than 1.
    """
    validation.at_least("lstm_size", lstm_size, 1)
    validation.at_least("head_width", head_width, 1)

    transformed = hk.transform(
        functools.partial(_unroll, config, num_actions, lstm_size, head_width)
    )

    def initial_state(batch_size: int) -> hk.LSTMState:
        zeros = jnp.zeros((batch_size, lstm_size), jnp.float32)
        return hk.LSTMState(hidden=zeros, cell=zeros)

    def init(rng: jax.Array, observations: Any) -> hk.Params:
        batch_size = jax.tree.leaves(observations)[0].shape[0]
        sequence = jax.tree.map(lambda x: x[None], observations)
        return transformed.init(rng, sequence, initial_state(batch_size))

    def apply_unroll(
        params: hk.Params,
        rng: jax.Array | None,
        observations: Any,
        state: hk.LSTMState,
        evaluation: bool = False,
    ) -> tuple[ValueOutput, hk.LSTMState]:
        return transformed.apply(params, rng, observations, state, evaluation)

    def apply(
        params: hk.Params,
        rng: jax.Array | None,
        observations: Any,
        state: hk.LSTMState,
        evaluation: bool = False,
    ) -> tuple[ValueOutput, hk.LSTMState]:
        sequence = jax.tree.map(lambda x: jnp.asarray(x)[None], observations)
        output, state = apply_unroll(params, rng, sequence, state, evaluation)
        return map_examples(lambda x: x[0], output), state

    return RecurrentNetwork(
        init, apply, apply_unroll, initial_state, config, num_actions
    )


def _unroll(
    config: NetworkConfig,
    num_actions: int,
    lstm_size: int,
    head_width: int,
    observations: Any,
    state: hk.LSTMState,
    evaluation: bool = False,
) -> tuple[ValueOutput, hk.LSTMState]:
    """Applies torso and head to all steps at once, the LSTM step by step."""
    steps, batch = jax.tree.leaves(observations)[0].shape[:2]

    def split(x: jax.Array) -> jax.Array:
        return x.reshape(steps, batch, *x.shape[1:])

    merged = jax.tree.map(
        lambda x: jnp.asarray(x).reshape(steps * batch, *x.shape[2:]), observations
    )
    before = None
    if getattr(merged, "_fields", None) == _OBSERVATION_ACTION_REWARD:
        before = _action_and_reward(merged.action, merged.reward, num_actions)
        merged = merged.observation
    output = apply_torso(config, torso.inputs(config, merged), evaluation)
    # The state is carried through many steps, so it is not rounded on the way.
    core_input = output.features.astype(jnp.float32)
    if before is not None:
        core_input = jnp.concatenate([core_input, before], axis=-1)
    core = hk.LSTM(lstm_size, name="lstm")
    core_output, state = hk.dynamic_unroll(core, split(core_input), state)
    # In float32, like the head's input in `value_network`.
    head_input = core_output.reshape(steps * batch, lstm_size)
    head = head_spec(config, num_actions, torso.dense_factory(config, evaluation))
    if is_path(config.head):
        values = head_layer(config, head_input, head)
        output = output._replace(features=head_input)
    else:
        with layers.scope("head"):
            values, hidden = heads.deep_value_head(head_input, head, head_width)
        output = output._replace(
            features=jnp.concatenate(list(hidden.values()), axis=-1),
            activations={**output.activations, **hidden},
        )
    result = value_output(config, output, values)
    return map_examples(split, result), state


def _action_and_reward(
    action: jax.Array, reward: jax.Array, num_actions: int
) -> jax.Array:
    """Encodes the action as one-hot and squashes the reward by tanh, `[B, A + 1]`."""
    one_hot = jax.nn.one_hot(action, num_actions)
    squashed = jnp.tanh(reward.astype(jnp.float32))
    return jnp.concatenate([one_hot, squashed[:, None]], axis=-1)
