"""A run in one process: a folder, checkpoints, evaluations, an end.

`OnlineRun` acts and learns, `OfflineRun` only learns; both are made from their spec or
from their last checkpoint, and stop and resume in the same way.
"""

from __future__ import annotations

import abc
import contextlib
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import jax
from absl import logging
from typing_extensions import Self

from acme_moe import disk
from acme_moe.folder_lock import FolderLock
from acme_moe.learning.learner import Learner
from acme_moe.processes import InterruptedRunError, Interrupts
from acme_moe.runs.assembly import Parts, draw_seeds, make_environment
from acme_moe.runs.checkpoint import SavedActing, run_state
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.episodes import EpisodeResult, evaluate
from acme_moe.runs.finished import finished_summary
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.learner_session import LearnerSession, TrainingData
from acme_moe.runs.progress import Progress
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import Stopwatch

# Keeps the draws of an evaluation apart from the run's other draws.
_EVALUATION = 3

SpecT = TypeVar("SpecT", bound=RunSpec)


class Run(abc.ABC, Generic[SpecT]):
    """One run. Use it as a context manager, which also ends its threads."""

    def __init__(
        self, spec: SpecT, workdir: str | os.PathLike[str], builder: Any = None
    ) -> None:
        """Builds every part, chooses where to act, and starts to compile the update.

        Args:
          spec: the run.
          workdir: its folder.
          builder: replaces the agent's own, such as one with another network.

        Raises:
          FolderInUseError: if another process writes to the folder.
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
          OtherStateError: if its checkpoint is of another network or learner.
          DatasetError: names what the dataset of an offline run lacks.
          UnplayableError: if the environment cannot be made.
          NoAcceleratorError: if the policy is to act on one and JAX has none.
          DiskError: if the folder cannot be written to.
        """
        self._spec = spec
        # After an error, whatever was opened is closed again: a notebook keeps the
        # traceback, and with it everything that this object refers to.
        with contextlib.ExitStack() as self._open:
            self._build(Path(workdir), builder)
            self._open = self._open.pop_all()

    def _build(self, workdir: Path, builder: Any) -> None:
        """Makes every part; what holds threads or files is closed with `_open`."""
        spec = self._spec
        # First, since what follows removes the remains of an interrupted run.
        self._open.enter_context(FolderLock(workdir, field="workdir"))
        self._folder = RunFolder(workdir, spec)
        self._open.callback(self._folder.close)
        self._checkpoints = Checkpoints(
            workdir / "checkpoints", kept=spec.run.checkpoints_kept
        )
        self._restored = self._checkpoints.latest()
        self._state = run_state(self._restored)
        if not spec.is_done(self._state):
            spec.check_length()
        self._check_state()
        self._folder.forget_scores_after(self._state)
        self._folder.forget_updates_after(self._state)
        self._clock = Stopwatch(self._state.wall_seconds)
        self._parts = Parts(spec, builder)
        (key_seed,) = draw_seeds(spec.run.seed, self.position, count=1)
        learner_key, self._actor_key = jax.random.split(jax.random.PRNGKey(key_seed))
        self._interrupts = Interrupts()
        data = self._make_data()
        self._open.callback(data.samples.close)
        self._session = LearnerSession(
            self._parts,
            learner_key,
            data,
            self._folder,
            self._checkpoints,
            restored=self._restored,
            state=self._state,
        )
        self._open.callback(self._session.close)
        self._device_choice = self._parts.choose_acting_device(
            self.learner, self._num_environments
        )
        if self._device_choice.seconds:
            # A warning, since the commands show no messages below that level.
            logging.warning("acting.device: %s", self._device_choice)
        # Compiles nothing; made here so that a builder that cannot make one fails now.
        self._evaluator = self._make_evaluator(key_seed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def learner(self) -> Learner:
        """Takes the updates."""
        return self._session.learner

    @property
    def position(self) -> int:
        """How far the run is, in the unit of its length."""
        return self._spec.position(self._state)

    @property
    def _num_environments(self) -> int:
        """Environments that a call of the policy is for."""
        return 1

    def _check_state(self) -> None:
        """Refuses a state that the settings cannot continue."""

    @abc.abstractmethod
    def _make_data(self) -> TrainingData:
        """Makes what the learner takes its batches from."""

    @abc.abstractmethod
    def _step(self, progress: Progress) -> None:
        """Takes one step of training."""

    def run(self) -> dict[str, Any]:
        """Trains to the end, or until a signal asks to stop.

        Returns:
          The summary, as written to `summary.json`.

        Raises:
          InterruptedRunError: after SIGINT or SIGTERM; everything is saved.
          DiskError: if the last checkpoint cannot be written.
          NonFiniteLossError: if the loss or a gradient is NaN or infinite; names the
            last checkpoint.
        """
        if self._spec.is_done(self._state):
            summary = finished_summary(self._spec, self._state, self._folder.path)
            return summary or self._write_summary("finished")
        # Only now, so that a run that cannot start does not claim the folder.
        self._folder.write_config()
        progress = Progress(self._spec, self._state)
        try:
            with self._interrupts, self._session.naming_last_checkpoint():
                try:
                    self._train(progress)
                except InterruptedRunError:
                    self._save()
                    self._write_summary("interrupted")
                    raise
                self._save()
            return self._write_summary("finished")
        except InterruptedRunError:
            raise
        except Exception as error:
            self._write_summary(f"failed: {error}")
            raise
        finally:
            progress.close()

    def _train(self, progress: Progress) -> None:
        """Trains to the last step, with the evaluations that become due on the way."""
        state = self._state
        while self.position < self._spec.length:
            self._interrupts.check()
            self._evaluate_if_due(progress)
            started = time.perf_counter()
            self._step(progress)
            state.training_seconds += time.perf_counter() - started
            self._session.diagnose_if_due(self.position)
            if progress.due():
                progress.draw(self.position, state.learner_steps, self.learner.loss)
            if self._session.save_due:
                self._save_where_there_is_room()
        self.learner.check()
        progress.draw(self.position, state.learner_steps, self.learner.loss)
        self._evaluate_if_due(progress)

    def _evaluate_if_due(self, progress: Progress) -> None:
        """Plays the episodes of the evaluation that is due, if one is."""
        state = self._state
        episodes = self._spec.evaluation_due(state)
        if not episodes:
            return
        self.learner.check()
        results = self._evaluate(
            episodes, lambda i: progress.evaluation(f"evaluating {i}/{episodes}")
        )
        state.wall_seconds = self._clock.seconds
        self._folder.add_evaluation(state, results)
        state.evaluated_at = self.position
        mean = statistics.fmean(result.episode_return for result in results)
        state.evaluation_return_mean = mean
        progress.evaluation(f"evaluation {mean:g}")
        self._write_summary("running")

    def _make_evaluator(self, seed: int) -> Any:
        """Makes the actor of one evaluation."""
        return self._parts.make_evaluator(
            jax.random.PRNGKey(seed), self.learner, self._device_choice.device
        )

    def _evaluate(
        self, episodes: int, on_start: Callable[[int], None]
    ) -> list[EpisodeResult]:
        """Plays evaluation episodes, seeded by the run's seed and position."""
        key_seed, environment_seed = draw_seeds(
            self._spec.run.seed, self.position, _EVALUATION, count=2
        )
        self._evaluator = self._make_evaluator(key_seed)
        with contextlib.closing(
            make_environment(self._spec, environment_seed, evaluation=True)
        ) as environment:
            return evaluate(
                environment,
                self._evaluator,
                episodes,
                check=self._interrupts.check,
                on_start=on_start,
            )

    def _save_where_there_is_room(self) -> None:
        """Saves; if that fails, warns, and the next save that is due tries again."""
        try:
            self._save()
        except disk.DiskError as error:
            self._session.put_off_saving(error)
        self._write_summary("running")

    def _save(self) -> None:
        """Writes a checkpoint of everything that the run needs to resume.

        Raises:
          DiskError: if it, or scores from before it, cannot be written.
        """
        self._folder.write_scores()
        self._state.wall_seconds = self._clock.seconds
        bytes_per_transition = self._session.save(
            lambda: self._state, self._save_acting()
        )
        if bytes_per_transition is not None:
            self._state.replay_bytes_per_transition = bytes_per_transition

    def _save_acting(self) -> SavedActing | None:
        """Returns the state of acting, if the run is to resume exactly from it."""
        return None

    def _write_summary(self, status: str) -> dict[str, Any]:
        """Writes `summary.json` and returns it."""
        self._state.wall_seconds = self._clock.seconds
        details = {
            **self._session.details(),
            "acting_device": self._device_choice.device.platform,
        }
        summary = self._spec.summarize(self._state, status=status, details=details)
        return self._folder.write_summary(summary)

    def close(self) -> None:
        """Ends what holds threads or files; may be called again."""
        self._open.close()
