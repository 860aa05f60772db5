"""A run that learns from fixed data, and plays in evaluation only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from acme_moe import replay
from acme_moe.experiments.config import OfflineExperiment
from acme_moe.experiments.progress import Progress
from acme_moe.experiments.run import Run
from acme_moe.offline.dataset import load_dataset
from acme_moe.offline.sampler import make_sample_iterator
from acme_moe.offline.transitions import TransitionSettings


class OfflineRun(Run[OfflineExperiment]):
    """Iterations of updates, each followed by an evaluation on the real game.

    The batches depend on the run's seed and their numbers alone, so a run that was
    stopped and went on has learnt from the same ones as one that was not.
    """

    unit = "updates"
    steps_key = "learner_steps"

    def __init__(self, experiment: OfflineExperiment, workdir: Path) -> None:
        """Reads the dataset; compiles nothing yet.

        Args:
          experiment: the settings.
          workdir: the run's folder.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
          DatasetError: names what the dataset lacks.
        """
        super().__init__(experiment, workdir)
        run, agent = experiment.run, experiment.agent
        self._dataset = load_dataset(
            run.dataset,
            TransitionSettings(
                stack=self._spec.observations.stack,
                n_step=agent.n_step,
                discount=agent.discount,
                max_abs_reward=agent.max_abs_reward,
            ),
            frame_shape=self._spec.observations.frame.shape,
            num_actions=self._spec.actions.num_values,
        )
        self._samples = replay.Prefetcher(
            make_sample_iterator(
                self._dataset,
                batch_size=agent.batch_size * agent.sgd_steps_per_call,
                seed=run.seed,
                start=self.position // agent.sgd_steps_per_call,
                workers=run.dataset.workers,
            )
        )
        self._make_learner(self._samples, None)

    @property
    def position(self) -> int:
        """Updates taken so far."""
        return self._facts.learner_steps

    @property
    def _length(self) -> int:
        run = self._experiment.run
        return run.num_iterations * run.updates_per_iteration

    def _train(self, progress: Progress) -> None:
        facts = self._facts
        every = self._experiment.run.updates_per_iteration
        while self.position < self._length:
            self._interrupts.check()
            if self.position // every > facts.evaluated_at // every:
                self._evaluate(progress)
            started = time.perf_counter()
            self.learner.step()
            facts.learner_steps += self._experiment.agent.sgd_steps_per_call
            facts.training_seconds += time.perf_counter() - started
            self._diagnose_if_due()
            if progress.due():
                progress.draw(self.position, self.position, self.learner.loss)
            self._save_if_due()
        self.learner.check()
        progress.draw(self.position, self.position, self.learner.loss)

    def _summary(self) -> dict[str, Any]:
        facts, dataset = self._facts, self._dataset
        seconds = facts.training_seconds
        return {
            "iterations": self.position / self._experiment.run.updates_per_iteration,
            "updates_per_second": self.position / seconds if seconds else None,
            "dataset_files": len(dataset.files),
            "dataset_total_transitions": dataset.total,
            "dataset_transitions": len(dataset),
            "dataset_bytes_per_transition": dataset.nbytes / len(dataset),
            "dataset_open_seconds": dataset.open_seconds,
        }

    def close(self) -> None:
        """Ends the thread that fetches batches."""
        self._samples.close()
        super().close()
