"""Turns a policy for one environment into a single device call for several.

It needs neither Acme nor replay, so that acting is measured without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.agents import frame_stacks
from acme_moe.learning.branches import branch


class Policy(Protocol):
    """The attributes of an `acme.agents.jax.actor_core.ActorCore` that are used."""

    init: Callable[[Any], Any]
    select_action: Callable[[Any, Any, Any], tuple[Any, Any]]
    get_extras: Callable[[Any], Any]


class Carry(NamedTuple):
    """What stays on the device from one call of the policy to the next.

    Attributes:
      key: random key for the policy states of the episodes to come.
      states: states of the policy, `[environments, ...]`.
      stacks: see `frame_stacks`.
    """

    key: jax.Array
    states: Any
    stacks: Any


def start(policy: Policy, key: jax.Array, observation_spec: Any, size: int) -> Carry:
    """Returns the carry for the first step, in which all episodes have to start.

    Args:
      policy: policy for one environment.
      key: random key for everything that the policy draws.
      observation_spec: nest of the environment's specs.
      size: number of environments.
    """
    state = jax.eval_shape(policy.init, key)
    states = jax.tree.map(lambda x: np.zeros((size, *x.shape), x.dtype), state)
    stacks = frame_stacks.blank_stacks(observation_spec, size)
    # The key is copied, as each call takes over the buffers of the one before.
    return Carry(jnp.copy(key), states, stacks)


def make_step(policy: Policy, observation_spec: Any) -> Any:
    """Compiles a policy for several environments.

    Args:
      policy: for one environment.
      observation_spec: nest of its specs.

    Returns:
      The step `(variables, carry, newest, first) -> carry, (actions, extras)`, with
      `newest` and `first` as in `frame_stacks.push`, actions `int32 [B]` and extras
      `[B, ...]`. The carry is donated.
    """

    def step(
        variables: Any, carry: Carry, newest: Any, first: jax.Array
    ) -> tuple[Carry, tuple[jax.Array, Any]]:
        key, states = carry.key, carry.states

        def started() -> tuple[jax.Array, Any]:
            new_key, *keys = jax.random.split(key, 1 + len(first))
            fresh = jax.vmap(policy.init)(jnp.stack(keys))
            return new_key, jax.tree.map(
                lambda x, y: jnp.where(first.reshape(-1, *[1] * (x.ndim - 1)), x, y),
                fresh,
                states,
            )

        key, states = branch(first.any(), started, lambda: (key, states))
        stacks, observations = frame_stacks.push(
            observation_spec, carry.stacks, newest, first
        )
        actions, states = jax.vmap(policy.select_action, in_axes=(None, 0, 0))(
            variables, observations, states
        )
        extras = jax.vmap(policy.get_extras)(states)
        return Carry(key, states, stacks), (actions, extras)

    return jax.jit(step, donate_argnums=(1,))
