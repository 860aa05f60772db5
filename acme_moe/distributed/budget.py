"""How many agent steps actors may take, so that the replay ratio holds.

Updates never run ahead of the schedule, which is the single-process run's
(`OnlineRunSpec.updates_due`); agent steps run ahead of it by at most `max_lead`. Both
are counts of the whole program, so it makes no difference how many actors and replay
servers there are, what an item of replay is, or which process was started again in
between: whoever is behind after a fault takes what is due, and the other side waits.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.runs.state import RunState

# At most so many steps between two reports, which then cost next to nothing.
_LARGEST_GRANT = 32


@dataclasses.dataclass(frozen=True)
class Pacing:
    """How far agent steps may run ahead, and how they are granted.

    Attributes:
      max_lead: agent steps that may run ahead of the updates.
      grant: agent steps that one actor is granted at a time; a multiple of the
        environments that it acts in.
    """

    max_lead: int
    grant: int

    @classmethod
    def of(cls, agent: OnlineAgentConfig, actors: int, environments: int) -> Pacing:
        """Returns the pacing of an agent with so many actors and environments in each.

        Args:
          agent: the agent's settings; the lead is `samples_per_insert_tolerance` times
            the warm-up, or more if the nodes would otherwise wait for each other.
          actors: how many actors share the lead.
          environments: environments of one actor, which steps in all of them at once.
        """
        ratio = agent.exact_replay_ratio
        # One call of the learner has to come due within the lead, or everybody
        # would wait for everybody else; and each actor needs a grant while the
        # steps of its last one await their updates.
        for_a_call = math.ceil((agent.sgd_steps_per_call + 1) / ratio)
        for_the_actors = 2 * actors * environments
        tolerated = math.ceil(
            Fraction(str(agent.samples_per_insert_tolerance)) * agent.min_replay_size
        )
        max_lead = max(tolerated, for_a_call + for_the_actors)
        share = (max_lead - for_a_call) // (2 * actors)
        rounds = min(_LARGEST_GRANT, share) // environments
        return cls(max_lead, max(1, rounds) * environments)


class StepBudget:
    """Grants agent steps to actors. Not safe for threads; its owner locks."""

    def __init__(self, spec: OnlineRunSpec, state: RunState, pacing: Pacing) -> None:
        """Starts without any grant.

        Args:
          spec: the run.
          state: counts of the run; its agent steps are counted here.
          pacing: how far agent steps may be ahead.
        """
        self._spec = spec
        self._state = state
        self._pacing = pacing
        self._granted: dict[int, int] = {}

    @property
    def allowed_agent_steps(self) -> int:
        """Agent steps that the updates taken so far allow."""
        state, ratio = self._state, self._spec.agent.exact_replay_ratio
        matched = math.floor(state.learner_steps / ratio)
        learning = max(0, matched - state.schedule_steps_before)
        allowed = state.schedule_start + learning + self._pacing.max_lead
        return min(self._spec.length, allowed)

    def enter(self, actor: int) -> None:
        """Voids what an actor that starts, or starts again, was granted before."""
        self._granted[actor] = 0

    def take(self, actor: int, agent_steps: int) -> None:
        """Counts the steps that an actor has taken of those it was granted.

        Steps past the run's end are not counted: a coordinator that was restarted
        forgets its grants, so actors may take a few steps too many. A run that was made
        shorter may have more than its length already.
        """
        left = max(0, self._spec.length - self._state.agent_steps)
        self._state.agent_steps += min(agent_steps, left)
        self._granted[actor] = max(0, self._granted.get(actor, 0) - agent_steps)

    def grant(self, actor: int) -> int:
        """Returns the steps that an actor may take now, 0 to wait."""
        others = sum(n for who, n in self._granted.items() if who != actor)
        taken = self._state.agent_steps + others
        # Whole grants only, but for the last of a run.
        grant = min(self._pacing.grant, self._spec.length - taken)
        allowed = 0 < grant <= self.allowed_agent_steps - taken
        self._granted[actor] = grant if allowed else 0
        return self._granted[actor]
