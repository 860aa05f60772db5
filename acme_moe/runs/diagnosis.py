"""The measurements of a run's network while it learns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax

from acme_moe.learning.learner import Learner


class Diagnosis:
    """Measures a learner's network on the batch that it took last.

    Drawing a batch for this alone would change what replay counts, so the learner's
    last one is used again, after its update.
    """

    def __init__(
        self,
        measure: Callable[..., dict[str, jax.Array]],
        learner: Learner,
        write: Callable[[dict[str, Any]], None],
        *,
        every: int,
        position: int,
        seed: int,
    ) -> None:
        """Compiles nothing yet.

        Args:
          measure: as a builder's `make_diagnostics` returns it.
          learner: the learner, whose network is measured.
          write: takes a row for each measurement: the run's counts, the values, the
            `seconds` that they took, and `compile_seconds`, 0 after the first.
          every: interval between two measurements, in the unit of the positions.
          position: position of the run so far.
          seed: seed of the noise that a network may have.
        """
        self._measure = measure
        self._compiled: Callable[..., dict[str, jax.Array]] | None = None
        self._learner = learner
        self._write = write
        self._every = every
        self._measured_at = position
        self._key = jax.random.PRNGKey(seed)

    def due(self, position: int) -> bool:
        """Returns whether the interval has passed, and there is a batch to look at."""
        passed = position // self._every > self._measured_at // self._every
        return passed and self._learner.sample is not None

    def measure(self, position: int, counts: Mapping[str, float]) -> None:
        """Measures and logs; waits for the running update and for the results.

        Args:
          position: position of the run.
          counts: `agent_steps`, where there are any, and `learner_steps`.
        """
        sample, state = self._learner.sample, self._learner.state
        assert sample is not None
        arguments = (
            state.params,
            state.target_params,
            jax.random.fold_in(self._key, position),
            sample.transitions,
            sample.probabilities,
        )
        jax.block_until_ready(state)
        start = time.perf_counter()
        compile_seconds = 0.0
        if self._compiled is None:
            self._compiled = jax.jit(self._measure).lower(*arguments).compile()
            compile_seconds = time.perf_counter() - start
        values = jax.device_get(self._compiled(*arguments))
        seconds = time.perf_counter() - start - compile_seconds
        self._write(
            {
                **{k: v for k, v in counts.items() if k.endswith("_steps")},
                **values,
                "seconds": seconds,
                "compile_seconds": compile_seconds,
            }
        )
        self._measured_at = position
