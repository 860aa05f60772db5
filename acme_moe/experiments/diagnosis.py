"""Diagnostics of a run, at intervals, in a log of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
from acme import specs
from acme.utils import loggers

from acme_moe.diagnostics import Measure
from acme_moe.experiments.config import AnyExperiment
from acme_moe.experiments.run_folder import RunFolder
from acme_moe.learning.learner import Learner


class Diagnosis:
    """Measures a learner's network on the batch that it took last.

    That batch is one of replay's, drawn as all are, and drawing another would change
    what is counted there. It is looked at after the update that it served.
    """

    def __init__(
        self,
        measure: Measure,
        learner: Learner,
        logger: loggers.Logger,
        *,
        every: int,
        position: int,
        seed: int,
    ) -> None:
        """Compiles nothing yet.

        Args:
          measure: as a builder's `make_diagnostics` returns it.
          learner: whose network it is.
          logger: of a row a measurement: the run's counts, the values, the `seconds`
            that they took, and the `compile_seconds` before the first, else 0.
          every: between two measurements, in the unit of the positions.
          position: of the run so far.
          seed: of the noise that a network may have.
        """
        self._measure = measure
        self._compiled: Callable[..., dict[str, jax.Array]] | None = None
        self._learner = learner
        self._logger = logger
        self._every = every
        self._measured_at = position
        self._key = jax.random.PRNGKey(seed)

    @classmethod
    def of_run(
        cls,
        experiment: AnyExperiment,
        builder: Any,
        network: Any,
        spec: specs.EnvironmentSpec,
        learner: Learner,
        folder: RunFolder,
        position: int,
    ) -> Diagnosis | None:
        """What the settings ask for, if they do.

        Args:
          experiment: the settings.
          builder: of the agent.
          network: the builder's.
          spec: of the environment.
          learner: whose network it is.
          folder: of the run, for the log.
          position: of the run so far.
        """
        settings = experiment.run.diagnostics
        if not settings.every:
            return None
        return cls(
            builder.make_diagnostics(network, spec, settings),
            learner,
            folder.make_full_logger("diagnostics"),
            every=settings.every,
            position=position,
            seed=experiment.run.seed,
        )

    def due(self, position: int) -> bool:
        """Whether the interval has passed, and there is a batch to measure on."""
        passed = position // self._every > self._measured_at // self._every
        return passed and self._learner.sample is not None

    def measure(self, position: int, counts: Mapping[str, float]) -> None:
        """Measures and logs; waits for the update that is running, and for itself.

        Args:
          position: of the run.
          counts: `actor_steps`, where there are any, and `learner_steps`.
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
        self._logger.write(
            {
                **{k: v for k, v in counts.items() if k.endswith("_steps")},
                **values,
                "seconds": seconds,
                "compile_seconds": compile_seconds,
            }
        )
        self._measured_at = position
