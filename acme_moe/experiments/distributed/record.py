"""What the coordinator writes down: scores, the summary, and its own state."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from acme_moe.experiments.checkpoints import Checkpoints
from acme_moe.experiments.config import AnyExperiment, Experiment, OfflineExperiment
from acme_moe.experiments.distributed import state as state_lib
from acme_moe.experiments.distributed.state import State
from acme_moe.experiments.evaluation import EpisodeResult
from acme_moe.experiments.facts import Facts, describe_updates, summarize
from acme_moe.experiments.run_folder import RunFolder
from acme_moe.experiments.schedule import UpdateSchedule


class Record:
    """The facts of a run, and the files made of them.

    Attributes:
      facts: of the run; its owner counts in them.
      before: what a coordinator of this launch that died had written last.
      schedule: of updates, to start or to go on with; None of a run on fixed data.
      learner: what the learner reported last.
      starts: how often each node was started.
      last_return: of the last training game.
    """

    def __init__(self, experiment: AnyExperiment, workdir: Path, token: str) -> None:
        """Goes on from the last checkpoint, or from what was written before.

        Args:
          experiment: the settings.
          workdir: the run's folder.
          token: of this launch of the program.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
        """
        run = experiment.run
        self._experiment = experiment
        self._workdir = workdir
        self._token = token
        self._folder = RunFolder(workdir, run.game, run.log_every_seconds)
        self.before = state_lib.read(workdir, token)
        self.starts: dict[str, int] = {}
        replay_lost = False
        if self.before is None:
            self._folder.write_config(experiment)
            restored = Checkpoints(
                workdir / "checkpoints", kept=1, owner=False
            ).latest()
            self.facts = Facts(**restored.facts) if restored else Facts()
            replay_lost = restored is not None and not restored.replay_paths
        else:
            self.facts = Facts(**self.before.facts)
            self.starts.update(self.before.starts)
        self._folder.forget_scores_after(self.facts)
        self.schedule: UpdateSchedule | None = None
        if isinstance(experiment, Experiment):
            self.schedule = self.facts.schedule(experiment, replay_lost=replay_lost)
        self.learner: dict[str, Any] = {}
        self.last_return: float | None = None
        self._ages = _Mean(), _Mean()
        self._wall = self.facts.wall_seconds, time.monotonic()
        self._training: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        """Updates per agent step past the warm-up, None before or on fixed data."""
        if self.schedule is None:
            return None
        steps = self.schedule.learning_steps(self.facts.agent_steps)
        return self.facts.learner_steps / steps if steps else None

    def training_starts(self) -> None:
        """From the first agent step of this launch on the time counts."""
        if self._training is None:
            self._training = self.facts.training_seconds, time.monotonic()

    def update_training_seconds(self) -> None:
        """Takes note of the time up to now; not called once training is over."""
        if self._training is not None:
            before, since = self._training
            self.facts.training_seconds = before + time.monotonic() - since

    def add_training(self, episodes: Iterable[tuple[float, int]]) -> None:
        """Writes games that have ended, each its return and length."""
        self._update_wall_seconds()
        for episode in episodes:
            self.facts.training_episodes += 1
            self.last_return = episode[0]
            self._folder.add_score(
                self.facts,
                "training",
                self.facts.training_episodes,
                EpisodeResult(*episode),
            )

    def add_evaluation(
        self, position: int, learner_steps: int, episodes: list[tuple[float, int]]
    ) -> float:
        """Writes an evaluation, and returns its mean.

        Args:
          position: of the run, that it counts for.
          learner_steps: of the parameters that played; what stands in the row is the
            position where that counts updates, since they may be a little further.
          episodes: return and length of each.
        """
        self._update_wall_seconds()
        counts = {"learner_steps": learner_steps, self._experiment.fact: position}
        at = dataclasses.replace(self.facts, **counts)
        for number, episode in enumerate(episodes, 1):
            self._folder.add_score(at, "evaluation", number, EpisodeResult(*episode))
        mean = statistics.fmean(result for result, _ in episodes)
        self.facts.evaluated_at = position
        self.facts.evaluation_return_mean = mean
        return mean

    def add_age(self, seconds: float, learner_step: int) -> None:
        """An actor's parameters: seconds since their pull, and their learner step."""
        self._ages[0].add(seconds)
        self._ages[1].add(max(0, self.facts.learner_steps - learner_step))

    def noted(self) -> dict[str, Any]:
        """The facts as they are now, as plain values."""
        if self.schedule is not None:
            self.facts.schedule_start = self.schedule.start
            self.facts.schedule_steps_before = self.schedule.steps_before
        self._update_wall_seconds()
        return dataclasses.asdict(self.facts)

    def _update_wall_seconds(self) -> None:
        before, since = self._wall
        self.facts.wall_seconds = before + time.monotonic() - since

    def write_state(self, phase: state_lib.Phase, outcome: str) -> None:
        """What a coordinator that dies after this goes on from."""
        state_lib.write(
            self._workdir,
            State(self._token, phase, outcome, self.noted(), self.starts),
        )

    def write_summary(self, status: str) -> None:
        """Writes `summary.json`."""
        facts = Facts(**self.noted())
        learner = {k: v for k, v in self.learner.items() if k != "loss"}
        details = {
            **self._of_this_kind(facts),
            **learner,
            "node_restarts": {
                node: starts - 1
                for node, starts in sorted(self.starts.items())
                if starts > 1
            },
        }
        self._folder.write_summary(
            summarize(self._experiment, facts, status=status, details=details)
        )

    def _of_this_kind(self, facts: Facts) -> dict[str, Any]:
        """What the summary says of runs that act, or of those on fixed data."""
        if isinstance(self._experiment, OfflineExperiment):
            return describe_updates(self._experiment, facts)
        assert isinstance(self._experiment, Experiment)
        seconds = facts.training_seconds
        return {
            "replay_ratio_target": self._experiment.agent.replay_ratio,
            "replay_ratio_realised": self.ratio,
            "agent_steps_per_second": facts.agent_steps / seconds if seconds else None,
            "replay_bytes_per_transition": facts.replay_bytes_per_transition,
            "training_episodes": facts.training_episodes,
            "parameter_age_seconds": self._ages[0].value,
            "parameter_age_updates": self._ages[1].value,
        }


class _Mean:
    """The mean of values that come one by one."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        """Takes one more."""
        self._sum += value
        self._count += 1

    @property
    def value(self) -> float | None:
        """The mean, None of none."""
        return self._sum / self._count if self._count else None
