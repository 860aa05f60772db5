"""The state of a run: what it counts, and when updates are due."""

from __future__ import annotations

import dataclasses
import time


@dataclasses.dataclass
class RunState:
    """The counts of a run; they go into each checkpoint.

    Attributes:
      agent_steps: agent steps taken so far.
      learner_steps: updates taken so far.
      learner_walltime: seconds between the first of them and the last, as the learner's
        log counts them: without the time in which the run was stopped.
      training_episodes: games that have ended.
      evaluated_at: position of the run at which its last evaluation was due.
      evaluation_return_mean: mean return of that evaluation.
      schedule_start: agent step up to which replay is being filled.
      schedule_steps_before: agent steps past the warm-up of an earlier part of the run,
        whose replay was lost and had to be filled anew.
      training_seconds: seconds of acting and learning.
      wall_seconds: seconds altogether, evaluations and checkpoints included.
      replay_bytes_per_transition: see `acme_moe.replay.size`; of the last checkpoint;
        None for an agent that stores sequences.
      recorded_files: complete files of the set that the run records.
    """

    agent_steps: int = 0
    learner_steps: int = 0
    learner_walltime: float = 0.0
    training_episodes: int = 0
    evaluated_at: int = 0
    evaluation_return_mean: float | None = None
    schedule_start: int = 0
    schedule_steps_before: int = 0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    replay_bytes_per_transition: float | None = None
    recorded_files: int = 0

    @property
    def steps_past_warm_up(self) -> int:
        """Agent steps that updates are due for.

        Those in which replay was filled, or filled anew, do not count.
        """
        since = max(0, self.agent_steps - self.schedule_start)
        return self.schedule_steps_before + since

    def fill_replay_until(self, agent_steps: int) -> None:
        """Lets the updates for further steps be due from that agent step on."""
        self.schedule_steps_before = self.steps_past_warm_up
        self.schedule_start = agent_steps


class Stopwatch:
    """Counts seconds, on top of those that earlier parts of the run took."""

    def __init__(self, before: float) -> None:
        """Starts at once.

        Args:
          before: seconds of the earlier parts.
        """
        self._before = before
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds altogether."""
        return self._before + time.monotonic() - self._started


def ratio(numerator: float, denominator: float) -> float | None:
    """Returns a quotient, or None where there is nothing to divide by."""
    return numerator / denominator if denominator else None
