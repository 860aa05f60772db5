"""R2D2's objective (Kapturowski et al., 2019)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from acme_moe import losses
from acme_moe.diagnostics import Probe
from acme_moe.learning.objectives import Objective, ObjectiveOutput, add_mixture_losses
from acme_moe.learning.types import Sequences, check_columns
from acme_moe.networks import RecurrentNetwork, ValueOutput
from acme_moe.networks.outputs import map_examples

# Added to each probability, as in Acme: without it a sequence that is hardly ever
# sampled would make all others' weights small.
_PROBABILITY_OFFSET = 1e-6


def recurrent_q_learning(
    network: RecurrentNetwork,
    *,
    burn_in_length: int,
    discount: float,
    n_step: int,
    importance_exponent: float,
    max_priority_weight: float,
) -> Objective:
    """Makes R2D2's loss: rescaled n-step double Q-learning after a burn-in.

    Both networks are unrolled from the stored state over the burn-in, which trains
    nothing, and over the rest from the state that each of them arrives at. A burn-in
    before the episode's start is padding and is left out: the stored state is then the
    one at the first step that is learnt from.

    Args:
      network: as `acme_moe.networks.make_recurrent_network` returns it.
      burn_in_length: steps of each sequence before those that are learnt from. In each
        sequence either all of them took place or none.
      discount: the agent's discount, applied to each step.
      n_step: steps of a return.
      importance_exponent: exponent of the weights `1 / (p + 1e-6)^exponent`, which are
        divided by their maximum.
      max_priority_weight: weight of the largest absolute error in the new priority; the
        mean has the rest.

    Returns:
      The objective, on `Sequences`; a sequence's loss is half the sum of its squared
      errors.
    """

    def objective(
        params: Any,
        target_params: Any,
        key: jax.Array,
        sequences: Sequences,
        probabilities: jax.Array,
    ) -> tuple[jax.Array, ObjectiveOutput]:
        check_columns(probabilities=probabilities)
        steps, unroll = _after_burn_in(network, burn_in_length, sequences)
        online_key, target_key = jax.random.split(key)
        online = unroll(params, online_key)
        target = unroll(target_params, target_key)
        errors = losses.transformed_n_step_errors(
            online.q_values[:-1],
            steps.action,
            steps.reward,
            steps.discount * discount,
            target.q_values[1:],
            online.q_values[1:],
            steps.mask,
            n_step,
        )
        weights = losses.importance_weights(
            probabilities + _PROBABILITY_OFFSET, importance_exponent
        )
        item_losses = losses.sequence_losses(errors)
        value = jnp.mean(weights * item_losses)
        priorities = losses.sequence_priorities(errors, steps.mask, max_priority_weight)
        metrics = {"td_error": jnp.mean(jnp.abs(errors), where=steps.mask)}
        # Where an action was taken: all observations but the last.
        trained = map_examples(lambda x: x[:-1].reshape(-1, *x.shape[2:]), online)
        return add_mixture_losses(
            network.config,
            trained,
            key,
            value,
            ObjectiveOutput(item_losses, priorities, metrics),
            steps.mask.reshape(-1),
        )

    return objective


def recurrent_probe(network: RecurrentNetwork, *, burn_in_length: int) -> Probe:
    """Makes a probe of the last step that took place in each sequence.

    Args:
      network: as `acme_moe.networks.make_recurrent_network` returns it.
      burn_in_length: see `recurrent_q_learning`; no gradient reaches the burn-in.

    Returns:
      The probe, on `Sequences`.
    """

    def probe(
        params: Any, key: jax.Array, sequences: Sequences
    ) -> tuple[jax.Array, ValueOutput]:
        steps, unroll = _after_burn_in(network, burn_in_length, sequences)
        length, batch = steps.mask.shape
        last = jnp.max(jnp.where(steps.mask, jnp.arange(length)[:, None], 0), axis=0)
        where = (last, jnp.arange(batch))
        output = map_examples(lambda x: x[where], unroll(params, key))
        return output.q_values[where[1], steps.action[where]], output

    return probe


def _after_burn_in(
    network: RecurrentNetwork, burn_in_length: int, sequences: Sequences
) -> tuple[Sequences, Callable[[Any, jax.Array], ValueOutput]]:
    """Returns the steps after the burn-in, and a function that unrolls over them.

    Returns:
      Sequences of `[T, B, ...]` without `start_state`, and a function of parameters and
      a key that returns the output at each of their observations.
    """
    core = jax.tree.structure(jax.eval_shape(lambda: network.initial_state(1)))
    # Replay returns named tuples of other types, with the same fields.
    state = jax.tree.unflatten(core, jax.tree.leaves(sequences.start_state))
    steps = jax.tree.map(
        lambda x: jnp.swapaxes(x, 0, 1), sequences._replace(start_state=())
    )
    warm_up = jax.tree.map(lambda x: x[:burn_in_length], steps)
    steps = jax.tree.map(lambda x: x[burn_in_length:], steps)

    def unroll(params: Any, key: jax.Array) -> ValueOutput:
        keys = jax.random.split(key)
        start = state
        if burn_in_length:
            frozen = jax.lax.stop_gradient(params)
            _, warm = network.unroll(frozen, keys[0], warm_up.observation, state)
            start = _where(warm_up.mask[0], warm, state)
        output, _ = network.unroll(params, keys[1], steps.observation, start)
        return output

    return steps, unroll


def _where(condition: jax.Array, x: Any, y: Any) -> Any:
    """Selects from two nests of `[B, ...]` by a condition `[B]`."""
    return jax.tree.map(
        lambda a, b: jnp.where(condition.reshape(-1, *(1,) * (a.ndim - 1)), a, b), x, y
    )
