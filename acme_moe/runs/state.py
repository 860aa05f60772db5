"""The state of a run: what it counts, and when updates are due."""

from __future__ import annotations

import dataclasses
import math
import time
from fractions import Fraction


@dataclasses.dataclass
class RunState:
    """The counts of a run; they go into each checkpoint.

    Attributes:
      agent_steps: agent steps taken so far.
      learner_steps: updates taken so far.
      training_episodes: games that have ended.
      evaluated_at: position of the run at which its last evaluation was due.
      evaluation_return_mean: mean return of that evaluation.
      schedule_start: see `UpdateSchedule.start`.
      schedule_steps_before: see `UpdateSchedule.steps_before`.
      training_seconds: seconds of acting and learning.
      wall_seconds: seconds altogether, evaluations and checkpoints included.
      replay_bytes_per_transition: see `acme_moe.replay.size`; of the last checkpoint;
        None for an agent that stores sequences.
      recorded_files: complete files of the set that the run records.
    """

    agent_steps: int = 0
    learner_steps: int = 0
    training_episodes: int = 0
    evaluated_at: int = 0
    evaluation_return_mean: float | None = None
    schedule_start: int = 0
    schedule_steps_before: int = 0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    replay_bytes_per_transition: float | None = None
    recorded_files: int = 0

    def follow(self, schedule: UpdateSchedule) -> None:
        """Adopts a schedule: updates are due by it from now on."""
        self.schedule_start = schedule.start
        self.schedule_steps_before = schedule.steps_before


@dataclasses.dataclass(frozen=True)
class UpdateSchedule:
    """Holds a run to its replay ratio exactly.

    After any number of agent steps past the warm-up the number of updates is
    floor(ratio * steps).

    Attributes:
      ratio: updates per agent step, as an exact fraction.
      start: agent step up to which replay is being filled.
      steps_before: learning steps of an earlier part of the run, whose replay was
        lost and had to be filled anew.
    """

    ratio: Fraction
    start: int
    steps_before: int = 0

    def learning_steps(self, agent_steps: int) -> int:
        """Returns the agent steps past the warm-up."""
        return self.steps_before + max(0, agent_steps - self.start)

    def updates(self, agent_steps: int) -> int:
        """Returns how many updates should have been taken after that many steps."""
        return math.floor(self.ratio * self.learning_steps(agent_steps))

    def refilled(self, agent_steps: int, min_replay_size: int) -> UpdateSchedule:
        """Returns the schedule of a run that resumes here with an empty replay."""
        return UpdateSchedule(
            self.ratio,
            start=agent_steps + min_replay_size,
            steps_before=self.learning_steps(agent_steps),
        )


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
