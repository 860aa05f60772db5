"""Batches that a learner takes, and variables that it serves."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe import validation


class Transition(NamedTuple):
    """A batch of n-step transitions; fields as in `acme.types.Transition`.

    Attributes:
      observation: nest of `[B, ...]`, where the action was taken.
      action: `int32 [B]`.
      reward: `float32 [B]`, the discounted sum of the n rewards.
      discount: `float32 [B]`, product of the n environment discounts and of n - 1
        agent discounts; the learner multiplies by the last one.
      next_observation: nest of `[B, ...]`, n steps later.
    """

    observation: Any
    action: Any
    reward: Any
    discount: Any
    next_observation: Any


def check_columns(**columns: Any) -> None:
    """Refuses arrays other than `[B]`; two of `[B, 1]` and `[B]` would make `[B, B]`.

    Raises:
      ValueError: names the first that has another shape.
    """
    for name, column in columns.items():
        if jnp.ndim(column) != 1:
            raise validation.not_accepted(
                name, jnp.shape(column), "the shape (B,), a number for each transition"
            )


class Sequences(NamedTuple):
    """A batch of sequences of T steps, for agents with a memory.

    A sequence may begin before its episode and end after it: the steps that did not
    take place are padding, whose values mean nothing.

    Attributes:
      observation: nest of `[B, T + 1, ...]`, where each action was taken, and where
        the last one led to.
      action: `int32 [B, T]`.
      reward: `float32 [B, T]`.
      discount: `float32 [B, T]`, the environment's.
      mask: `bool [B, T]`, whether the step took place.
      start_state: nest of `[B, ...]`, the recurrent core's state before the sequence's
        first observation that is not padding.
    """

    observation: Any
    action: Any
    reward: Any
    discount: Any
    mask: Any
    start_state: Any


class Sample(NamedTuple):
    """A batch as replay returns it.

    Attributes:
      keys: `uint64 [B]` on the host: the items' keys, for updating priorities.
      probabilities: `float32 [B]`, the probability with which each item was sampled.
      transitions: the data itself, `Transition` or `Sequences`.
    """

    keys: np.ndarray
    probabilities: jax.Array
    transitions: Any


class ActingVariables(NamedTuple):
    """The variables that a learner serves to its actors.

    The learner's step count travels with the parameters because exploration depends
    on it: an actor that starts late, or again, explores as the others do at that time.

    Attributes:
      params: parameters of the online network.
      learner_steps: `int32 []`, gradient steps taken.
      max_priority: `float32 []`, priority with which new items enter prioritised
        replay.
    """

    params: Any
    learner_steps: Any
    max_priority: Any
