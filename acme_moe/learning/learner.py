"""The Acme learner around a jitted update."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, Protocol

import jax
import numpy as np
from acme import core
from acme.utils import counting, loggers

from acme_moe.learning.dispatcher import make_dispatcher
from acme_moe.learning.types import ActingVariables, Sample
from acme_moe.learning.update import TrainingState, Update

# One call in this many is timed from its dispatch to its end, which keeps the host
# from running ahead: rarely enough to cost nothing, often enough for a mean.
_TIMING_PERIOD = 50

# The metrics of an update that have to be finite.
_CHECKED = ("loss", "gradient_norm")


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


@dataclasses.dataclass
class _Call:
    """A call of the update, which its thread may still dispatch or the device compute.

    Attributes:
      result: what the update returns.
      keys: `uint64 [B]`, keys of its batch.
      donor: the state whose buffers it took over. On a CPU, dropping such arrays waits
        for the update, so they are kept until it has ended; None from then on.
      settled: whether it was dispatched, and its priorities were handed on.
      counts: counts of steps and time after it, for the log.
    """

    result: futures.Future[tuple[TrainingState, jax.Array, dict[str, jax.Array]]]
    keys: np.ndarray
    donor: TrainingState | None
    settled: bool = False
    counts: dict[str, Any] = dataclasses.field(default_factory=dict)


class Learner(core.Learner):
    """Acme learner that takes batches, updates the parameters and serves them.

    An update is not waited for: its loss is checked once the next one is on its way, so
    that the device always has work, while the caller acts in the environment.
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
        self._dispatcher = make_dispatcher()
        self._call: _Call | None = None  # The last one.
        self._sample: Sample | None = None
        self._compiling: futures.Future[None] | None = None
        self._calls = 0
        self._wait_seconds = 0.0
        self._update_seconds = 0.0
        self._timed_calls = 0

    @property
    def state(self) -> TrainingState:
        """State on the device; the next step invalidates all but what actors are given.

        These are the online parameters, the step count and the largest priority.
        """
        # It changes nothing, as other threads may ask for variables.
        call = self._call
        return self._state if call is None else call.result.result()[0]

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
        """Takes one batch and starts its update.

        Raises:
          NonFiniteLossError: if the loss or the gradient norm of the update before this
            one was not finite.
          Exception: whatever dispatching the update before this one raised, or this
            one, if it is the first.
        """
        self._settle()
        timed = self._calls % _TIMING_PERIOD == _TIMING_PERIOD - 1
        if timed:
            jax.block_until_ready(self._state)
        start = time.perf_counter()
        if self._priorities is not None:
            # Once this batch is taken, the next one is sampled, which should see the
            # priorities of all updates so far.
            self._priorities.flush()
        sample = self._sample = next(self._samples)
        taken = time.perf_counter()
        if timed:
            jax.block_until_ready(sample.transitions)
        if self._compiling is not None:
            self._compiling.result()
            self._compiling = None
        before = self._call
        dispatched = time.perf_counter()
        result = self._dispatcher.submit(self._dispatch, self._state, sample)
        call = self._call = _Call(result, sample.keys, donor=self._state)
        if timed or before is None:
            self._settle()
        if timed:
            jax.block_until_ready(self._state)
            self._update_seconds += time.perf_counter() - dispatched
            self._wait_seconds += taken - start
            self._timed_calls += 1
        if before is not None:
            self._finish(before)

        self._calls += 1
        now = time.perf_counter()
        elapsed = now - (self._last_step or now)
        self._last_step = now
        call.counts = self._counter.increment(
            steps=self._sgd_steps_per_call, walltime=elapsed
        )

    def _dispatch(
        self, state: TrainingState, sample: Sample
    ) -> tuple[TrainingState, jax.Array, dict[str, jax.Array]]:
        """Dispatches an update, and the transfer of what the host waits for."""
        result = self._update(state, sample.transitions, sample.probabilities)
        _, priorities, metrics = result
        for name in _CHECKED:
            metrics[name].copy_to_host_async()
        if self._priorities is not None:
            priorities.copy_to_host_async()
        return result

    def _settle(self) -> None:
        """Takes what the last call is to return, and hands its priorities on."""
        call = self._call
        if call is None or call.settled:
            return
        self._state, priorities, _ = call.result.result()
        call.settled = True
        if self._priorities is not None:
            self._priorities.put(call.keys, priorities)

    def _finish(self, call: _Call) -> None:
        """Waits for a call that was dispatched, checks its loss, and logs it."""
        if call.donor is None:
            return
        state, _, metrics = call.result.result()
        # A gradient can be NaN where the loss is still finite, and the parameters are
        # then lost.
        for name in _CHECKED:
            value = float(metrics[name])
            if not np.isfinite(value):
                raise NonFiniteLossError(
                    f"the {name} is {value} after {int(state.steps)} updates"
                )
        call.donor = None
        if self._logger is not None:
            self._logger.write({**metrics, **call.counts})

    def check(self) -> None:
        """Waits for the last update, checks its loss, and logs it.

        Raises:
          NonFiniteLossError: if the loss or the gradient norm is not finite.
        """
        self._settle()
        if self._call is not None:
            self._finish(self._call)

    @property
    def loss(self) -> float | None:
        """Loss of the last update, which it waits for; None before the first."""
        if self._call is None:
            return None
        _, _, metrics = self._call.result.result()
        return float(metrics["loss"])

    def statistics(self) -> dict[str, float | None]:
        """Returns timings since this learner was made, means of one call in fifty.

        Returns:
          `learner_step_ms`, milliseconds of one gradient step on the device, and
          `data_wait_fraction`, the share of a step that the idle device waits for its
          batch, with prioritised replay until all priorities have been written, too.
          None if no call was timed.
        """
        if not self._timed_calls:
            return {"learner_step_ms": None, "data_wait_fraction": None}
        steps = self._timed_calls * self._sgd_steps_per_call
        return {
            "learner_step_ms": 1e3 * self._update_seconds / steps,
            "data_wait_fraction": self._wait_seconds
            / (self._wait_seconds + self._update_seconds),
        }

    def get_variables(self, names: Sequence[str]) -> list[ActingVariables]:
        """Returns what actors need, once for each name, whatever the names are."""
        state = self.state
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
        if self._call is not None:
            futures.wait([self._call.result])
        self._state = jax.tree.map(_as_before, self._state, state)
        self._call = None

    def close(self) -> None:
        """Ends the threads, once the last update's priorities were written.

        An error of that update is for `check` to raise.
        """
        self._dispatcher.shutdown()
        if self._priorities is not None:
            if self._call is not None and self._call.result.exception() is None:
                self._settle()
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
