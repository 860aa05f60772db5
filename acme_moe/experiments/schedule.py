"""When the learner of a single process has to take a step."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction


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
        """Agent steps past the warm-up."""
        return self.steps_before + max(0, agent_steps - self.start)

    def updates(self, agent_steps: int) -> int:
        """Updates that should have been taken after that many agent steps."""
        return math.floor(self.ratio * self.learning_steps(agent_steps))

    def refilled(self, agent_steps: int, min_replay_size: int) -> UpdateSchedule:
        """The schedule of a run that goes on here with an empty replay."""
        return UpdateSchedule(
            self.ratio,
            start=agent_steps + min_replay_size,
            steps_before=self.learning_steps(agent_steps),
        )
