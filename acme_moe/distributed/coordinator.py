"""Which phase a run is in, and what each of its nodes may do: a pure state machine.

A run goes through RUNNING (agent steps and updates), DRAINING (all agent steps are
taken, updates are still due), EVALUATING (with the final parameters), SAVING (the
last checkpoint) and ENDED. An interrupted run goes to SAVING at once, a failed one
to ENDED.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from absl import logging

from acme_moe.distributed.budget import Pacing, StepBudget
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.status import Phase
from acme_moe.runs.spec import OnlineRunSpec, RunSpec
from acme_moe.runs.state import RunState

# How often each replay server says that it is empty before the run is given up. They
# say so every `Seconds.ASK_WHETHER_OVER`.
_EMPTY_LOOKS = 50


class Grant(NamedTuple):
    """What an actor may do.

    Attributes:
      agent_steps: how many to take now; 0 to ask again soon.
      over: whether there are none left in the run.
    """

    agent_steps: int
    over: bool = False


class LearnerOrder(NamedTuple):
    """What the learner has to do.

    Attributes:
      updates: how many to take now.
      agent_steps: those of the run so far, for the log.
      save: whether to write the last checkpoint.
      ended: whether the run is over.
    """

    updates: int
    agent_steps: int
    save: bool
    ended: bool


class EvaluationOrder(NamedTuple):
    """What the evaluator has to do.

    Attributes:
      episodes: how many to play; 0 to ask again later.
      position: position of the run that they are evaluated for.
    """

    episodes: int
    position: int


class Coordinator:
    """The phases of a run. Not safe for threads; its owner locks.

    Attributes:
      state: state of the run.
      phase: phase that it is in.
      outcome: how it will end, as far as is known, or has ended.
    """

    def __init__(self, spec: RunSpec, state: RunState) -> None:
        """Starts a run that has begun in the first phase, towards the usual end."""
        self.spec = spec
        self.state = state
        self.phase = Phase.RUNNING
        self.outcome = "finished"
        # If this is a restarted coordinator, its predecessor may have given the order.
        self._final_ordered = True
        self._save_ordered = False

    @property
    def position(self) -> int:
        """How far the run is."""
        return self.spec.position(self.state)

    @property
    def complete(self) -> bool:
        """Whether the run has its full length; updates may still be due."""
        return self.position >= self.spec.length

    @property
    def training(self) -> bool:
        """Whether agent steps or updates are still being taken."""
        return self.phase in (Phase.RUNNING, Phase.DRAINING)

    def learn(self, learner_steps: int) -> LearnerOrder:
        """Records how many updates were taken; returns what the learner has to do."""
        self.state.learner_steps = learner_steps
        self._drain_if_complete()
        due = 0
        if self.phase is not Phase.ENDED and self.outcome == "finished":
            due = self.spec.updates_due(self.state)
        if due and self.phase in (Phase.EVALUATING, Phase.SAVING):
            # The learner has come back from an earlier checkpoint: the last evaluation,
            # done or under way, is not of the parameters that it will end with.
            self.phase = Phase.DRAINING
            self._final_ordered = self._save_ordered = False
            self.state.evaluated_at = min(self.state.evaluated_at, self.spec.length - 1)
        if not due and self.phase is Phase.DRAINING:
            pending = self.spec.evaluation_due(self.state)
            self.phase = Phase.EVALUATING if pending else Phase.SAVING
        self._save_ordered |= self.phase is Phase.SAVING
        return LearnerOrder(
            updates=due,
            agent_steps=self.state.agent_steps,
            save=self.phase is Phase.SAVING,
            ended=self.phase is Phase.ENDED,
        )

    def evaluation(self) -> EvaluationOrder:
        """Returns what the evaluator has to do."""
        # The last evaluation is of the final parameters, so it waits for them.
        waits = self.complete and self.phase is not Phase.EVALUATING
        if waits or self.phase not in (Phase.RUNNING, Phase.EVALUATING):
            return EvaluationOrder(episodes=0, position=0)
        self._final_ordered |= self.phase is Phase.EVALUATING
        return EvaluationOrder(self.spec.evaluation_due(self.state), self.position)

    def evaluated(self, position: int) -> bool:
        """Records an evaluation.

        Args:
          position: the position that it was ordered for.

        Returns:
          Whether it counts. It does not if that position has been evaluated already, if
          it is the last one but not of the final parameters, or if it comes when the
          last checkpoint may have been taken.
        """
        final = position >= self.spec.length
        if self.phase in (Phase.SAVING, Phase.ENDED):
            return False
        if self.state.evaluated_at >= position:
            return False
        if final and not (self._final_ordered and self.phase is Phase.EVALUATING):
            return False
        self.state.evaluated_at = position
        if final:
            self.phase = Phase.SAVING
        return True

    def saved(self, *, final: bool) -> None:
        """Records a checkpoint.

        Args:
          final: whether it was begun because the learner was told to `save`; one that
            was already under way then lacks what has come since.
        """
        if self.phase is Phase.SAVING and final:
            self.phase = Phase.ENDED

    def interrupt(self) -> None:
        """Ends the run early, after a last checkpoint."""
        if self.phase not in (Phase.SAVING, Phase.ENDED):
            self.outcome = "interrupted"
            self.phase = Phase.SAVING

    def fail(self, message: str) -> None:
        """Ends the run at once, with what the last checkpoint has."""
        if self.phase is not Phase.ENDED:
            self.outcome = f"failed: {message}"
            self.phase = Phase.ENDED

    def _drain_if_complete(self) -> None:
        if self.phase is Phase.RUNNING and self.complete:
            self.phase = Phase.DRAINING


class OnlineCoordinator(Coordinator):
    """The phases of a run that acts, the budget of its actors and what replay holds."""

    spec: OnlineRunSpec

    def __init__(
        self, spec: OnlineRunSpec, state: RunState, config: DistributedConfig
    ) -> None:
        """Starts as `Coordinator` does; `config` is that of the distribution."""
        super().__init__(spec, state)
        pacing = Pacing.of(spec.agent, config.num_actors, spec.run.num_environments)
        self._budget = StepBudget(spec, state, pacing)
        self._reports: dict[int, int] = {}
        self._num_servers = config.num_replay_servers
        self._held: dict[int, int] = {}
        self._empty_looks = 0

    @property
    def replay_size(self) -> int:
        """Agent steps that all replay servers hold, as `replay_holds` counts them."""
        return sum(self._held.values())

    def actor_enters(self, actor: int) -> None:
        """Voids what an actor was granted before it started, or started again."""
        self._budget.enter(actor)
        self._reports.pop(actor, None)

    def report(self, actor: int, number: int, agent_steps: int) -> bool:
        """Records an actor's report.

        Args:
          actor: the actor's number.
          number: number of the report, so that one sent twice counts once.
          agent_steps: steps taken since the last report.

        Returns:
          Whether it counts. It does not if it was received before, or after training:
          the last checkpoint may then have been taken, and the summary must not be
          ahead of that.
        """
        if not self.training or self._reports.get(actor) == number:
            return False
        self._reports[actor] = number
        self._budget.take(actor, agent_steps)
        return True

    def grant(self, actor: int) -> Grant:
        """Returns how many steps an actor may take now."""
        self._drain_if_complete()
        if self.phase is not Phase.RUNNING:
            return Grant(0, over=True)
        return Grant(self._budget.grant(actor))

    def replay_holds(self, server: int, size: int) -> None:
        """Records a replay server's size.

        Args:
          server: the server's number.
          size: agent steps that it holds, its items times `Items.steps_per_item`; an
            estimate where items are sequences.
        """
        self._held[server] = size
        if not self._waits_for_nothing:
            self._empty_looks = 0
            return
        # The actors' last items may still be on their way.
        self._empty_looks += 1
        if self._empty_looks > _EMPTY_LOOKS * self._num_servers:
            self._fail_without_replay()

    def replay_enters(
        self, server: int, size: int, position: int, *, restarted: bool
    ) -> None:
        """Records that a replay server has started.

        Args:
          server: the server's number.
          size: agent steps that it restored from a checkpoint; as for `replay_holds`.
          position: position of the run when it began to start; it cannot have lost
            what was written after that.
          restarted: whether it was started before in this launch.
        """
        self._held[server] = size
        missing = self._missing_from_replay(server, position, restarted)
        if self.phase is Phase.RUNNING and missing > 0:
            logging.warning("replay has lost its contents and is filled anew")
            self.spec.refill(self.state, missing)
        elif self.phase is Phase.DRAINING and self._waits_for_nothing:
            self._fail_without_replay()

    @property
    def _waits_for_nothing(self) -> bool:
        """Whether the learner waits for a replay that is empty and stays so."""
        if self.phase is Phase.DRAINING or (
            # An interrupted run's learner may be waiting before it can be told to save.
            self.phase is Phase.SAVING and not self._save_ordered
        ):
            empty = self._all_servers_known and not self.replay_size
            return empty and self.spec.updates_due(self.state) > 0
        return False

    def _fail_without_replay(self) -> None:
        self.fail("replay is empty, no actor fills it again, and updates are due")

    @property
    def _all_servers_known(self) -> bool:
        return len(self._held) == self._num_servers

    def _missing_from_replay(self, server: int, position: int, restarted: bool) -> int:
        """Returns how many agent steps replay lacks to hold as many as after a warm-up.

        Whatever the others hold, a server that was started again has to regain its
        share of the warm-up. New agent steps are spread evenly over the servers, so it
        gets that share of them.

        Only what is certainly missing counts. How many steps a sequence stands for
        depends on its episode, which is not known here, so each is taken to stand for
        as many as it can. The loss of a part may go unnoticed, most of all where
        episodes are short.
        """
        most = self.spec.agent.max_steps_per_stored_step
        warm_up = self.spec.agent.min_replay_size
        filling_since = self.state.schedule_start - warm_up
        expected = min(warm_up, max(0, position - filling_since))
        held = []
        if self._all_servers_known:
            held.append(self.replay_size)
        if restarted:
            held.append(self._num_servers * self._held[server])
        return max((math.ceil(expected - most * size) for size in held), default=0)
