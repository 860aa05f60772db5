"""The Acme learner around a jitted update."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, Protocol

import jax
import numpy as np
from acme import core
from acme.utils import counting, loggers

from acme_moe.learning.types import ActingVariables, Sample
from acme_moe.learning.update import TrainingState, Update

# One call in this many is timed from its dispatch to its end, which keeps the host
# from running ahead: rarely enough to cost nothing, often enough for a mean.
_TIMING_PERIOD = 50


class NonFiniteLossError(FloatingPointError):
    """Loss or gradient became NaN or infinite; the parameters are lost."""


class PrioritySink(Protocol):
    """Receiver of the priorities that each update returns."""

    def put(self, keys: np.ndarray, priorities: jax.Array) -> None:
        """Takes new priorities, which the device may still be computing.

        Args:
          keys: `uint64 [B]`, keys of the items.
          priorities: `float32 [B]`, their new priorities.
        """

    def flush(self) -> None:
        """Waits until all priorities have arrived."""

    def close(self) -> None:
        """Stops taking priorities; those on their way still arrive."""


class _CallersThread(futures.Executor):
    """Executor that runs each function at once, in the caller's thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        """Calls a function; returns a finished future with its result or exception."""
        future: futures.Future[Any] = futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Learner(core.Learner):
    """Acme learner that takes batches, updates the parameters and serves them.

    An update is dispatched but not waited for: its loss is checked when the next one is
    due, so that the device works while the caller acts in the environment. A thread of
    its own dispatches it, because a CPU computes what one thread dispatches in order,
    and the caller's policy would wait for the update. With only one core it has to wait
    anyway, and threads that take turns cost more than they gain.
    """

    def __init__(
        self,
        state: TrainingState,
        update: Update,
        samples: Iterator[Sample],
        *,
        sgd_steps_per_call: int = 1,
        priorities: PrioritySink | None = None,
        counter: counting.Counter | None = None,
        logger: loggers.Logger | None = None,
    ) -> None:
        """Makes a learner; nothing is compiled before the first step.

        Args:
          state: the state to start from.
          update: as `make_update` returns it.
          samples: batches of transitions that are on the device already.
          sgd_steps_per_call: gradient steps that one call of `update` takes.
          priorities: receives the new priorities of each batch; closed at the end.
          counter: counts `steps` and `walltime`.
          logger: written to at each step, with metrics that are still on the
            device; cheap if it drops most rows, as one limited by time does.
        """
        self._state = state
        self._update = update
        self._samples = samples
        self._sgd_steps_per_call = sgd_steps_per_call
        self._priorities = priorities
        self._counter = counter or counting.Counter()
        self._logger = logger
        self._last_step: float | None = None
        self._dispatcher: futures.Executor = (
            futures.ThreadPoolExecutor(1, "learner-update")
            if len(os.sched_getaffinity(0)) > 1
            else _CallersThread()
        )
        # The state whose buffers the running update took over. On a CPU, dropping such
        # arrays waits for the update, so they are kept until it has ended.
        self._donor: TrainingState | None = None
        self._metrics: dict[str, jax.Array] | None = None
        self._sample: Sample | None = None
        self._counts: dict[str, Any] = {}
        self._logged = False
        self._compiling: futures.Future[None] | None = None
        self._calls = 0
        self._data_wait_seconds = 0.0
        self._timed_seconds = 0.0
        self._timed_calls = 0

    @property
    def state(self) -> TrainingState:
        """State on the device; the next step invalidates all but what actors are given.

        These are the online parameters, the step count and the largest priority.
        """
        return self._state

    @property
    def sample(self) -> Sample | None:
        """The batch of the last step; None before the first."""
        return self._sample

    def compile(self, sample: Sample) -> None:
        """Compiles the update in the learner's thread; the first step waits for it.

        That step also raises any error of the compilation. An update without
        `compile_for` (see `make_update`) is compiled by the first step itself.

        Args:
          sample: a sample like those to come, of arrays or `jax.ShapeDtypeStruct`s.
        """
        compile_for = getattr(self._update, "compile_for", None)
        if compile_for is None:
            return
        state = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), self._state
        )
        self._compiling = self._dispatcher.submit(
            compile_for, state, sample.transitions, sample.probabilities
        )

    def step(self) -> None:
        """Takes one batch and dispatches its update.

        Raises:
          NonFiniteLossError: if the loss or the gradient norm of the update before this
            one was not finite.
        """
        self.check()
        start = time.perf_counter()
        if self._priorities is not None:
            # Once this batch is taken, the next one is sampled, which should see the
            # priorities of all updates so far.
            self._priorities.flush()
        sample = self._sample = next(self._samples)
        if self._calls > 0:  # The first batch waits for its pipeline to be built.
            self._data_wait_seconds += time.perf_counter() - start

        timed = self._calls % _TIMING_PERIOD == _TIMING_PERIOD - 1
        if timed:
            jax.block_until_ready((self._state, sample.transitions))
            dispatched = time.perf_counter()
        if self._compiling is not None:
            self._compiling.result()
            self._compiling = None
        self._donor = self._state
        self._state, priorities, self._metrics = self._dispatcher.submit(
            self._update, self._state, sample.transitions, sample.probabilities
        ).result()
        if timed:
            jax.block_until_ready(self._state)
            self._timed_seconds += time.perf_counter() - dispatched
            self._timed_calls += 1
        if self._priorities is not None:
            self._priorities.put(sample.keys, priorities)

        self._calls += 1
        now = time.perf_counter()
        elapsed = now - (self._last_step or now)
        self._last_step = now
        self._logged = False
        self._counts = self._counter.increment(
            steps=self._sgd_steps_per_call, walltime=elapsed
        )

    def check(self) -> None:
        """Waits for the last update, checks its loss, and logs it.

        Raises:
          NonFiniteLossError: if the loss or the gradient norm is not finite.
        """
        if self._metrics is None:
            return
        # A gradient can be NaN where the loss is still finite, and the parameters are
        # then lost.
        for name in ("loss", "gradient_norm"):
            value = float(self._metrics[name])
            if not np.isfinite(value):
                steps = int(self._state.steps)
                raise NonFiniteLossError(f"the {name} is {value} after {steps} updates")
        self._donor = None
        if self._logger is not None and not self._logged:
            self._logger.write({**self._metrics, **self._counts})
            self._logged = True

    @property
    def loss(self) -> float | None:
        """Loss of the last update, which it waits for; None before the first."""
        return None if self._metrics is None else float(self._metrics["loss"])

    def statistics(self) -> dict[str, float | None]:
        """Returns timings since this learner was made.

        Returns:
          `learner_step_ms`, milliseconds of one gradient step on the device, averaged
          over those that were timed (None if none was), and `data_wait_fraction`, the
          share of a step's time spent waiting for its batch.
        """
        calls = self._timed_calls * self._sgd_steps_per_call
        step_seconds = self._timed_seconds / calls if calls else None
        fraction = None
        if step_seconds is not None:
            busy = step_seconds * self._sgd_steps_per_call * (self._calls - 1)
            fraction = self._data_wait_seconds / (self._data_wait_seconds + busy)
        return {
            "learner_step_ms": None if step_seconds is None else 1e3 * step_seconds,
            "data_wait_fraction": fraction,
        }

    def get_variables(self, names: Sequence[str]) -> list[ActingVariables]:
        """Returns what actors need, once for each name, whatever the names are."""
        state = self._state
        return [
            ActingVariables(state.params, state.steps, state.max_priority)
            for _ in names
        ]

    def save(self) -> TrainingState:
        """Returns a copy of the state on the host.

        Raises:
          NonFiniteLossError: if an update made it NaN or infinite.
        """
        self.check()
        if self._priorities is not None:
            self._priorities.flush()
        # Copies: on a CPU device_get may hand out the buffers themselves, which the
        # next update reuses.
        state = jax.tree.map(np.array, jax.device_get(_without_types(self._state)))
        if not all(np.isfinite(x).all() for x in jax.tree.leaves(state.params)):
            raise NonFiniteLossError(
                f"a parameter is no number after {int(state.steps)} updates"
            )
        return state

    def restore(self, state: TrainingState) -> None:
        """Resumes from a saved state."""
        self._state = jax.tree.map(_as_before, self._state, state)
        self._metrics = None

    def close(self) -> None:
        """Ends the threads that dispatch updates and write priorities back."""
        self._dispatcher.shutdown()
        if self._priorities is not None:
            self._priorities.close()


def _is_typed_key(x: Any) -> bool:
    return jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)


def _without_types(nest: Any) -> Any:
    """Returns the nest with the data of typed keys, such as an optimiser may hold."""
    return jax.tree.map(
        lambda x: jax.random.key_data(x) if _is_typed_key(x) else x, nest
    )


def _as_before(before: jax.Array, saved: np.ndarray) -> jax.Array:
    """Returns a saved leaf as the array or typed key that was there before."""
    array = jax.numpy.array(saved)
    if _is_typed_key(before):
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(before))
    return array
