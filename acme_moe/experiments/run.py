"""What every run in one process has: a folder, checkpoints, evaluation, an end.

`TrainingRun` acts and learns, an offline run only learns; both are made from their
settings or from their last checkpoint, and stop and go on in the same way.
"""

from __future__ import annotations

import abc
import dataclasses
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import jax
import numpy as np
import reverb
from acme import specs
from acme.utils import counting
from typing_extensions import Self

from acme_moe import agents
from acme_moe.experiments.checkpoints import Checkpoints
from acme_moe.experiments.config import AnyExperiment
from acme_moe.experiments.diagnosis import Diagnosis
from acme_moe.experiments.environments import make_environment
from acme_moe.experiments.evaluation import evaluate
from acme_moe.experiments.facts import Facts, summarize
from acme_moe.experiments.interrupts import InterruptedRunError, Interrupts
from acme_moe.experiments.progress import Progress
from acme_moe.experiments.run_folder import RunFolder
from acme_moe.learning import Sample
from acme_moe.learning.learner import Learner, NonFiniteLossError

AnyExperimentT = TypeVar("AnyExperimentT", bound=AnyExperiment)


class Run(abc.ABC, Generic[AnyExperimentT]):
    """One run. Use it as a context manager, which also ends its threads.

    A subclass makes its learner with `_make_learner` when it is made, and says how
    the run goes on (`_train`), what it counts, and what else a checkpoint holds.

    Attributes:
      learner: takes the updates.
    """

    learner: Learner

    def __init__(
        self, experiment: AnyExperimentT, workdir: Path, builder: Any = None
    ) -> None:
        """Opens the folder and makes what does not depend on where data come from.

        Args:
          experiment: the settings.
          workdir: the run's folder.
          builder: in place of the agent's own, such as one with another network.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
        """
        self._started = time.perf_counter()
        self._experiment = experiment
        run = experiment.run
        self._folder = RunFolder(
            workdir,
            run.game,
            run.log_every_seconds,
            experiment.steps_key,
        )
        self._folder.write_config(experiment)
        self._checkpoints = Checkpoints(
            workdir / "checkpoints", kept=run.checkpoints_kept
        )
        self._restored = self._checkpoints.latest()
        self._facts = Facts(**self._restored.facts) if self._restored else Facts()
        self._folder.forget_after(self._facts)
        self._wall_seconds_before = self._facts.wall_seconds
        # A run that goes on is not to see the emulator's first episodes again.
        seeds = np.random.SeedSequence([run.seed, self.position])
        evaluation_seed, key_seed, *self._seeds = (
            int(x) for x in seeds.generate_state(2 + self._num_environments) >> 1
        )
        self._evaluation_environment = make_environment(
            experiment, evaluation_seed, evaluation=True
        )
        self._spec = specs.make_environment_spec(self._evaluation_environment)
        self._builder = builder or agents.load_builder(run.agent, experiment.agent)
        self._network = self._builder.make_network(self._spec)
        # time_delta 0: the log's counts are those of the step it was written at.
        self._counter = counting.Counter(time_delta=0.0)
        self._learner_key, self._actor_key, self._evaluator_key = jax.random.split(
            jax.random.PRNGKey(key_seed), 3
        )
        self._last_checkpoint = time.monotonic()
        self._checkpoint_path = self._restored.path if self._restored else None
        self._interrupts = Interrupts()

    def _make_learner(
        self, samples: Iterator[Sample], replay_client: reverb.Client | None
    ) -> None:
        """Makes the learner, and the evaluator that plays with its parameters."""
        self.learner = self._builder.make_learner(
            self._learner_key,
            self._network,
            samples,
            self._folder.make_logger,
            self._spec,
            replay_client,
            counting.Counter(self._counter, prefix="learner", time_delta=0.0),
        )
        if self._restored:
            self.learner.restore(self._restored.load_state(self.learner.save()))
            counts = {"learner_steps": self._facts.learner_steps}
            if self._facts.agent_steps:
                counts["actor_steps"] = self._facts.agent_steps
            self._counter.increment(**counts)
        self._diagnosis = Diagnosis.of_run(
            self._experiment,
            self._builder,
            self._network,
            self._spec,
            self.learner,
            self._folder,
            self.position,
        )
        self._evaluator = self._builder.make_actor(
            self._evaluator_key,
            self._builder.make_policy(self._network, self._spec, evaluation=True),
            self._spec,
            self.learner,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """How far the run is, in the unit of its length."""
        return self._facts.position(self._experiment)

    @property
    def _num_environments(self) -> int:
        """How many environments the run acts in, beside that of the evaluation."""
        return 0

    @property
    def _replay_client(self) -> reverb.Client | None:
        """Of the replay whose contents go into checkpoints, if there is one."""
        return None

    @abc.abstractmethod
    def _train(self, progress: Progress) -> None:
        """Trains to the end of the run."""

    @abc.abstractmethod
    def _summary(self) -> dict[str, Any]:
        """What `summary.json` holds of this kind of run only."""

    def run(self) -> dict[str, Any]:
        """Trains to the end, or until a signal asks to stop.

        Returns:
          The summary, as written to `summary.json`.

        Raises:
          InterruptedRunError: after SIGINT or SIGTERM; everything is saved.
          NonFiniteLossError: if the loss is no number; names the last checkpoint.
        """
        progress = Progress(
            self._experiment.run.game,
            self._experiment.length,
            self.position,
            self._facts.learner_steps,
            self._experiment.unit,
        )
        try:
            with self._interrupts:
                try:
                    self._train(progress)
                    self._evaluate(progress)
                except InterruptedRunError:
                    self._save()
                    self._write_summary("interrupted")
                    raise
                self._save()
            return self._write_summary("finished")
        except NonFiniteLossError as error:
            self._write_summary(f"failed: {error}")
            where = self._checkpoint_path or "there is none yet"
            raise NonFiniteLossError(
                f"{error}; the last good checkpoint: {where}"
            ) from None
        except Exception as error:
            if not isinstance(error, InterruptedRunError):
                self._write_summary(f"failed: {error}")
            raise
        finally:
            progress.close()

    def _evaluate(self, progress: Progress) -> None:
        """Runs the evaluation episodes, unless this position has had its own."""
        facts = self._facts
        episodes = self._experiment.evaluation_episodes_at(self.position)
        if not episodes or facts.evaluated_at == self.position:
            return
        self.learner.check()
        results = evaluate(
            self._evaluation_environment,
            self._evaluator,
            episodes,
            watchers=[self._interrupts],
            on_start=lambda i: progress.evaluation(f"evaluating {i}/{episodes}"),
        )
        self._update_wall_seconds()
        for episode, result in enumerate(results, 1):
            self._folder.add_score(facts, "evaluation", episode, result)
        facts.evaluated_at = self.position
        mean = statistics.fmean(result.episode_return for result in results)
        facts.evaluation_return_mean = mean
        progress.evaluation(f"evaluation {mean:g}")
        self._write_summary("running")

    def _diagnose_if_due(self) -> None:
        """Measures the network if the settings ask for it at this position."""
        if self._diagnosis is not None and self._diagnosis.due(self.position):
            self._diagnosis.measure(self.position, self._counter.get_counts())

    def _save_if_due(self) -> None:
        """Writes a checkpoint if the last one is old enough."""
        minutes = (time.monotonic() - self._last_checkpoint) / 60
        if minutes >= self._experiment.run.checkpoint_every_minutes:
            self._save()
            self._write_summary("running")

    def _save(self) -> None:
        """Writes a checkpoint of everything that the run needs to go on."""
        self._update_wall_seconds()
        self._checkpoint_path = self._checkpoints.save(
            self.position,
            self.learner.save(),
            dataclasses.asdict(self._facts),
            self._replay_client,
        ).path
        self._last_checkpoint = time.monotonic()

    def _update_wall_seconds(self) -> None:
        self._facts.wall_seconds = self._wall_seconds_before + (
            time.perf_counter() - self._started
        )

    def _write_summary(self, status: str) -> dict[str, Any]:
        """Writes `summary.json` and returns it."""
        self._update_wall_seconds()
        summary = summarize(
            self._experiment,
            self._facts,
            status=status,
            details={**self._summary(), **self.learner.statistics()},
        )
        self._folder.write_summary(summary)
        return summary

    def close(self) -> None:
        """Ends what holds threads or files; a subclass ends its own before."""
        self._folder.close()
        self._evaluation_environment.close()
