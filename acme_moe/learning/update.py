"""One gradient step, or several, as one jitted call.

It needs only JAX, Haiku and optax: nothing here depends on Acme or replay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from acme_moe import validation
from acme_moe.learning.branches import branch
from acme_moe.learning.metrics import check_numbers, joined
from acme_moe.learning.objectives import Objective


class TrainingState(NamedTuple):
    """Everything that a gradient step changes.

    Attributes:
      params: parameters of the online network.
      steps: `int32 []`, gradient steps taken.
      target_params: parameters of the target network.
      opt_state: state of the optimiser.
      key: random key for the noise of the next step.
      max_priority: `float32 []`, the largest priority that any item was given so
        far, at least 1; new items enter prioritised replay with it (Schaul et al.,
        2016, algorithm 1).
    """

    params: Any
    steps: jax.Array
    target_params: Any
    opt_state: optax.OptState
    key: jax.Array
    max_priority: jax.Array


# (state, transitions or sequences, probabilities) -> state, priorities, metrics
Update = Callable[
    [TrainingState, Any, jax.Array],
    tuple[TrainingState, jax.Array, dict[str, jax.Array]],
]

_Donated = tuple[Any, optax.OptState, jax.Array]  # Target, optimiser state and key.
_Kept = tuple[Any, jax.Array, jax.Array]  # Parameters, steps and largest priority.


def init_training_state(
    params: Any, optimizer: optax.GradientTransformation, key: jax.Array
) -> TrainingState:
    """Makes the state before the first step, with a copy of `params` as the target.

    The update donates the buffers of the target, the optimiser and the key, never those
    of `params`, which stay valid. The target and `key` are copies, so the caller's key
    stays valid, too.
    """
    return TrainingState(
        params=params,
        steps=jnp.zeros((), jnp.int32),
        # A copy, because the update donates the target's buffers.
        target_params=jax.tree.map(jnp.copy, params),
        opt_state=optimizer.init(params),
        key=jnp.copy(key),
        max_priority=jnp.ones(()),
    )


def compile_training_state(
    init: Callable[[jax.Array], Any], optimizer: optax.GradientTransformation
) -> Callable[[jax.Array, jax.Array], TrainingState]:
    """Makes a jitted `init_training_state` that draws the parameters as well.

    Running its operations one by one takes seconds, and so does optimising a program
    that runs only once.

    Args:
      init: returns the parameters for a key.
      optimizer: moves the parameters.

    Returns:
      A function of two keys: one for the parameters, and one for the first step.
    """
    on_cpu = jax.default_backend() == "cpu"
    return jax.jit(
        lambda init_key, key: init_training_state(init(init_key), optimizer, key),
        compiler_options={"xla_backend_optimization_level": 0} if on_cpu else None,
    )


def make_update(
    objective: Objective,
    optimizer: optax.GradientTransformation,
    *,
    target_update_period: int,
    sgd_steps_per_call: int = 1,
) -> Update:
    """Compiles an objective and an optimiser into an update.

    Args:
      objective: to be minimised.
      optimizer: moves the parameters.
      target_update_period: gradient steps between two copies to the target.
      sgd_steps_per_call: gradient steps a call; batches then hold that many times
        the examples, and priorities come back in their order.

    Returns:
      The jitted update, a function of a state, a batch and the probabilities
      `float32 [B]` with which its examples were sampled. It returns the new state, the
      examples' priorities `float32 [B]`, and scalars by name: the objective's metrics,
      `loss` and `gradient_norm`, means over the steps of the call. The state's target,
      optimiser state and key are donated: their buffers must not be used after the
      call. What actors are given is not donated, because they may still be reading it.
      The update's attribute `compile_for` compiles it in advance, for arguments like
      those of a call: arrays or `jax.ShapeDtypeStruct`s.

    Raises:
      ValueError: if one of the two numbers of steps is less than 1. The update raises
        it for a batch that its steps cannot share, and for metrics that are no numbers
        or share a name.
    """
    validation.at_least("target_update_period", target_update_period, 1)
    validation.at_least("sgd_steps_per_call", sgd_steps_per_call, 1)

    def sgd_step(
        state: TrainingState, batch: tuple[Any, jax.Array]
    ) -> tuple[TrainingState, tuple[jax.Array, dict[str, jax.Array]]]:
        transitions, probabilities = batch
        key, objective_key = jax.random.split(state.key)
        (loss, output), gradients = jax.value_and_grad(objective, has_aux=True)(
            state.params, state.target_params, objective_key, transitions, probabilities
        )
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        steps = state.steps + 1
        target_params = branch(
            steps % target_update_period == 0,
            lambda new, _: new,
            lambda _, old: old,
            params,
            state.target_params,
        )
        metrics = joined(
            output.metrics, {"loss": loss, "gradient_norm": _global_norm(gradients)}
        )
        check_numbers(metrics)
        max_priority = jnp.maximum(state.max_priority, jnp.max(output.priorities))
        new_state = TrainingState(
            params, steps, target_params, opt_state, key, max_priority
        )
        return new_state, (output.priorities, metrics)

    def split(state: TrainingState) -> tuple[_Donated, _Kept]:
        donated = (state.target_params, state.opt_state, state.key)
        return donated, (state.params, state.steps, state.max_priority)

    def join(donated: _Donated, kept: _Kept) -> TrainingState:
        params, steps, max_priority = kept
        return TrainingState(params, steps, *donated, max_priority)

    # The donated part comes first in what is returned: JAX gives its buffers to the
    # first outputs of their shapes, and with the parameters first, which have the
    # target's shapes, every array of the state would be copied once more.
    def several_steps(
        donated: _Donated, kept: _Kept, transitions: Any, probabilities: jax.Array
    ) -> tuple[tuple[_Donated, _Kept], jax.Array, dict[str, jax.Array]]:
        state = join(donated, kept)
        batch = (transitions, probabilities)
        if sgd_steps_per_call == 1:
            state, (priorities, metrics) = sgd_step(state, batch)
            return split(state), priorities, metrics
        if probabilities.shape[0] % sgd_steps_per_call:
            raise validation.not_accepted(
                "examples of a batch",
                probabilities.shape[0],
                f"a multiple of sgd_steps_per_call ({sgd_steps_per_call})",
            )
        batches = jax.tree.map(
            lambda x: x.reshape(sgd_steps_per_call, -1, *x.shape[1:]), batch
        )
        # No loop on a CPU, where XLA runs convolutions inside one on one thread.
        # Elsewhere a loop saves compiling each step.
        unroll = sgd_steps_per_call if jax.default_backend() == "cpu" else 1
        state, (priorities, metrics) = jax.lax.scan(
            sgd_step, state, batches, unroll=unroll
        )
        # A NaN in any of the steps has to show in the mean.
        mean = jax.tree.map(jnp.mean, metrics)
        return split(state), priorities.reshape(-1), mean

    compiled = jax.jit(several_steps, donate_argnums=(0,))

    def update(
        state: TrainingState, transitions: Any, probabilities: jax.Array
    ) -> tuple[TrainingState, jax.Array, dict[str, jax.Array]]:
        parts, priorities, metrics = compiled(*split(state), transitions, probabilities)
        return join(*parts), priorities, metrics

    def compile_for(state: TrainingState, transitions: Any, probabilities: Any) -> None:
        compiled.lower(*split(state), transitions, probabilities).compile()

    update.compiled = compiled  # type: ignore[attr-defined]
    update.compile_for = compile_for  # type: ignore[attr-defined]
    return update


def _global_norm(gradients: Any) -> jax.Array:
    """Computes `optax.global_norm`."""

    def of_each(leaves: list[jax.Array]) -> jax.Array:
        return jnp.sqrt(sum(map(_sum_of_squares, leaves)))

    def of_one(leaves: list[jax.Array]) -> jax.Array:
        return jnp.linalg.norm(jnp.concatenate([jnp.ravel(x) for x in leaves]))

    # On a GPU, a sum is two kernels or three, and each takes time to launch.
    leaves = jax.tree.leaves(gradients)
    return jax.lax.platform_dependent(leaves, cpu=of_each, default=of_one)


def _sum_of_squares(x: jax.Array) -> jax.Array:
    """Computes `jnp.sum(jnp.square(x))`, first over groups of 16 rows.

    XLA:CPU computes a sum of 32 terms or more as one over windows, which takes twelve
    times as long. The barrier keeps it from merging the two sums into one.
    """
    squares = jnp.square(x)
    rows = x.size // x.shape[-1] if x.ndim else 1
    if rows % 16 == 0:
        of_rows = jnp.sum(squares.reshape(-1, 16, x.shape[-1]), axis=1)
        squares = jax.lax.optimization_barrier(of_rows)
    return jnp.sum(squares)
