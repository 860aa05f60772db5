"""A run that learns from fixed data, and plays in evaluation only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from acme_moe.experiments.config import OfflineExperiment
from acme_moe.experiments.facts import describe_updates
from acme_moe.experiments.offline_data import (
    describe_dataset,
    make_samples,
    open_dataset,
)
from acme_moe.experiments.progress import Progress
from acme_moe.experiments.run import Run


class OfflineRun(Run[OfflineExperiment]):
    """Iterations of updates, each followed by an evaluation on the real game.

    The batches depend on the run's seed and their numbers alone, so a run that was
    stopped and went on has learnt from the same ones as one that was not.
    """

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
        self._dataset = open_dataset(experiment, self._spec)
        self._samples = make_samples(experiment, self._dataset, self.position)
        self._make_learner(self._samples, None)

    def _train(self, progress: Progress) -> None:
        facts = self._facts
        every = self._experiment.evaluation_period
        while self.position < self._experiment.length:
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
        return {
            **describe_updates(self._experiment, self._facts),
            **describe_dataset(self._dataset),
        }

    def close(self) -> None:
        """Ends the thread that fetches batches."""
        self._samples.close()
        super().close()
