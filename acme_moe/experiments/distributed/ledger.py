"""Who may take how many agent steps and updates, so that the replay ratio holds.

Updates never run ahead of `UpdateSchedule`, which is the single-process run's; agent
steps run ahead of it by at most `room`. Both are counts of the whole program, so it
makes no difference how many actors and replay servers there are, what an item of
replay is, or which process was started again in between: whoever is behind after a
fault takes what is due, and the other side waits for it.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from acme_moe.agents.config import ValueAgentConfig
from acme_moe.experiments.schedule import UpdateSchedule

# Steps that an actor takes between two reports: enough to cost nothing.
_LONGEST_LEASE = 32


@dataclasses.dataclass(frozen=True)
class Pace:
    """How far agent steps may run ahead, and how they are given out.

    Attributes:
      room: agent steps.
      lease: agent steps that one actor is given at a time; a multiple of the
        environments that it acts in.
    """

    room: int
    lease: int

    @classmethod
    def of(cls, agent: ValueAgentConfig, actors: int, environments: int) -> Pace:
        """The pace of an agent with so many actors and environments in each.

        Args:
          agent: settings; `samples_per_insert_tolerance` of the warm-up is the room
            where that is enough for everybody to move.
          actors: how many share the room.
          environments: of one actor; it steps in all of them at once.
        """
        ratio = agent.exact_replay_ratio
        # One call of the learner has to come due within the room, or everybody
        # would wait for everybody else; and each actor needs a lease while the
        # steps of its last one await their updates.
        for_a_call = math.ceil((agent.sgd_steps_per_call + 1) / ratio)
        for_the_actors = 2 * actors * environments
        tolerated = math.ceil(
            Fraction(str(agent.samples_per_insert_tolerance)) * agent.min_replay_size
        )
        room = max(tolerated, for_a_call + for_the_actors)
        share = (room - for_a_call) // (2 * actors)
        rounds = min(_LONGEST_LEASE, share) // environments
        return cls(room, max(1, rounds) * environments)


class Ledger:
    """The books of a run. Not safe for threads; its owner locks."""

    def __init__(
        self,
        schedule: UpdateSchedule,
        pace: Pace,
        *,
        agent_steps: int,
        learner_steps: int,
        max_agent_steps: int,
        steps_per_call: int = 1,
    ) -> None:
        """Opens the books.

        Args:
          schedule: when updates are due.
          pace: how far agent steps may be ahead.
          agent_steps: taken before.
          learner_steps: updates taken before.
          max_agent_steps: where the run ends.
          steps_per_call: updates that one call of the learner takes.
        """
        self.schedule = schedule
        self.agent_steps = agent_steps
        self.learner_steps = learner_steps
        self._pace = pace
        self._max_agent_steps = max_agent_steps
        self._steps_per_call = steps_per_call
        self._leases: dict[int, int] = {}

    @property
    def complete(self) -> bool:
        """Whether every agent step of the run was taken."""
        return self.agent_steps >= self._max_agent_steps

    @property
    def allowed_agent_steps(self) -> int:
        """Agent steps that the updates taken so far leave room for."""
        schedule = self.schedule
        matched = math.floor(self.learner_steps / schedule.ratio)
        learning = max(0, matched - schedule.steps_before)
        return min(self._max_agent_steps, schedule.start + learning + self._pace.room)

    def enter(self, actor: int) -> None:
        """An actor starts, or starts again: what it was given before is void."""
        self._leases[actor] = 0

    def take(self, actor: int, steps: int) -> None:
        """An actor has taken steps of those it was given."""
        self.agent_steps += steps
        self._leases[actor] = max(0, self._leases.get(actor, 0) - steps)

    def lease(self, actor: int) -> int:
        """Steps that an actor may take now, 0 to wait."""
        others = sum(n for who, n in self._leases.items() if who != actor)
        left = self.allowed_agent_steps - self.agent_steps - others
        # Whole leases only, but for the last of a run.
        lease = min(self._pace.lease, self._max_agent_steps - self.agent_steps - others)
        self._leases[actor] = lease if 0 < lease <= left else 0
        return self._leases[actor]

    def updates_due(self) -> int:
        """Updates that the learner has to take now, whole calls of it."""
        if self.agent_steps < self.schedule.start:
            # Replay is being filled, or filled anew.
            return 0
        due = self.schedule.updates(self.agent_steps) - self.learner_steps
        return max(0, due - due % self._steps_per_call)

    def filled(self, warm_up: int, position: int) -> int:
        """Agent steps of the warm-up's that replay should hold at a position."""
        filling_since = self.schedule.start - warm_up
        return min(warm_up, max(0, position - filling_since))

    def refill(self, missing: int) -> None:
        """Replay has lost its contents and needs that many agent steps more first."""
        full_at = max(self.agent_steps, self.schedule.start)
        self.schedule = self.schedule.refilled(full_at, missing)


class OfflineLedger:
    """The books of a run on fixed data: nobody acts, and all updates are due."""

    agent_steps = 0

    def __init__(self, *, learner_steps: int, length: int) -> None:
        """Opens the books.

        Args:
          learner_steps: updates taken before.
          length: updates of the whole run, whole calls of the learner.
        """
        self.learner_steps = learner_steps
        self._length = length

    @property
    def complete(self) -> bool:
        """Whether every update of the run was taken."""
        return self.learner_steps >= self._length

    def updates_due(self) -> int:
        """Updates that are left."""
        return max(0, self._length - self.learner_steps)
