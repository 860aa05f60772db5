"""The node that counts, and that decides when each part of a run is over.

It is the only one that writes scores and the summary, and holds no model: neither
TensorFlow nor a JAX program is needed here, and it starts in a second. The others
call it by Courier, with plain values; nothing waits inside a call.

A run goes through RUNNING (agent steps and updates), DRAINING (all agent steps are
taken, updates are still due), EVALUATING (with the final parameters), SAVING (the
last checkpoint) and ENDED. An interrupted run goes to SAVING at once, a failed one
to ENDED.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

from absl import logging

from acme_moe.experiments.config import AnyExperiment, Experiment
from acme_moe.experiments.distributed.ledger import Ledger, OfflineLedger, Pace
from acme_moe.experiments.distributed.record import Record
from acme_moe.experiments.distributed.settings import DistributedConfig
from acme_moe.experiments.distributed.state import Phase

# Seconds between two copies of the state, which a restarted coordinator goes on from.
_STATE_EVERY = 1.0
# Seconds that nodes have, once the run is over, to hear of it.
_LAST_WORDS = 5.0


class Coordinator:
    """The run's counts and phases. All public methods are called by Courier."""

    def __init__(
        self,
        experiment: AnyExperiment,
        workdir: Path,
        config: DistributedConfig,
        token: str,
    ) -> None:
        """Goes on from the last checkpoint, or from what it wrote before it died.

        Args:
          experiment: the settings.
          workdir: the run's folder.
          config: of the distribution.
          token: tells this launch of the program from earlier ones.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
        """
        self._experiment = experiment
        self._servers = config.num_replay_servers
        self._lock = threading.RLock()
        self._record = record = Record(experiment, workdir, token)
        self._facts = record.facts
        self._phase, self._outcome = Phase.RUNNING, "finished"
        if record.before is not None:
            self._phase, self._outcome = record.before.phase, record.before.outcome
        self._ledger = _make_ledger(experiment, config, record)
        self._replay_sizes: dict[int, int] = {}
        self._left: set[str] = set()
        self._sequences: dict[int, int] = {}
        self._evaluation: str | None = None
        self._ended = threading.Event()
        if self._phase is Phase.ENDED:
            self._ended.set()

    def run(self) -> None:
        """Keeps a copy of the state until the run is over."""
        sigterm = threading.Event()
        if threading.current_thread() is threading.main_thread():
            # Launchpad's way to end a program; every other node waits for this one.
            signal.signal(signal.SIGTERM, lambda *_: sigterm.set())
        while not self._ended.wait(_STATE_EVERY):
            if sigterm.is_set():
                self.interrupt()
            with self._lock:
                self._noted()
                self._record.write_state(self._phase, self._outcome)
        deadline = time.monotonic() + _LAST_WORDS
        while self._left < set(self._record.starts) and time.monotonic() < deadline:
            time.sleep(0.05)

    def enter(self, node: str) -> dict[str, int]:
        """A node starts, or starts again.

        Returns:
          `position` of the run, and how often the node was `started` before.
        """
        with self._lock:
            started = self._record.starts.get(node, 0)
            self._record.starts[node] = started + 1
            self._left.discard(node)
            return {"position": self._position, "started": started}

    def leave(self, node: str) -> None:
        """A node has heard that the run is over, and ends."""
        self._left.add(node)

    def phase(self) -> str:
        """The present phase."""
        return self._phase.value

    # Actors.

    def actor_enters(self, actor: int) -> None:
        """What the actor was given before is void."""
        with self._lock:
            self._books().enter(actor)
            self._sequences.pop(actor, None)

    def act(
        self,
        actor: int,
        sequence: int,
        taken: int,
        episodes: list[tuple[float, int]],
        age: tuple[float, int] | None,
    ) -> int:
        """An actor reports, and asks how many steps it may take.

        Args:
          actor: its number.
          sequence: counts its reports, so that one sent twice counts once.
          taken: agent steps since the last report.
          episodes: return and length of each game that ended meanwhile.
          age: seconds since its parameters were pulled, and their learner step.

        Returns:
          Agent steps: 0 to ask again soon, -1 once there are none left in the run.
        """
        with self._lock:
            facts = self._facts
            if self._sequences.get(actor) != sequence:
                self._sequences[actor] = sequence
                self._books().take(actor, taken)
                facts.agent_steps = self._books().agent_steps
                if taken:
                    self._record.training_starts()
                self._record.add_training(episodes)
            if age is not None:
                self._record.add_age(*age)
            if self._phase is Phase.RUNNING and self._ledger.complete:
                self._phase = Phase.DRAINING
            if self._phase is not Phase.RUNNING:
                return -1
            return self._books().lease(actor)

    # The learner.

    def learn(
        self, learner_steps: int, report: dict[str, float | None] | None
    ) -> dict[str, Any]:
        """The learner says how far it is, and asks what to do.

        Args:
          learner_steps: updates that its state has behind it.
          report: its statistics and loss, now and then.

        Returns:
          `updates` to take now, `agent_steps` for its log, whether to `save`, and
          whether the run has `ended`.
        """
        with self._lock:
            self._facts.learner_steps = self._ledger.learner_steps = learner_steps
            if report is not None:
                self._record.learner = report
            due = 0
            if isinstance(self._ledger, OfflineLedger):
                self._record.training_starts()
            if self._phase is Phase.RUNNING and self._ledger.complete:
                self._phase = Phase.DRAINING
            if self._phase is not Phase.ENDED and self._outcome == "finished":
                due = self._ledger.updates_due()
            if due and self._phase in (Phase.EVALUATING, Phase.SAVING):
                # A learner that came back from an earlier checkpoint.
                self._phase = Phase.DRAINING
            if not due and self._phase is Phase.DRAINING:
                self._record.update_training_seconds()
                pending = self._evaluation_at(final=True) is not None
                self._phase = Phase.EVALUATING if pending else Phase.SAVING
            return {
                "updates": due,
                "agent_steps": self._facts.agent_steps,
                "save": self._phase is Phase.SAVING,
                "ended": self._phase is Phase.ENDED,
            }

    def facts(self) -> dict[str, Any]:
        """The counts, for a checkpoint that is about to be written."""
        with self._lock:
            return self._noted()

    def saved(self, replay_bytes_per_transition: float | None, final: bool) -> None:
        """The learner has written a checkpoint.

        Args:
          replay_bytes_per_transition: see `Facts`.
          final: whether it began when it was asked to `save`; one that was under way
            already lacks what came since.
        """
        with self._lock:
            if replay_bytes_per_transition is not None:
                self._facts.replay_bytes_per_transition = replay_bytes_per_transition
            if self._phase is Phase.SAVING and final:
                self._end()
            elif self._phase is not Phase.ENDED:
                self._record.write_summary("running")

    # The evaluator.

    def evaluation(self) -> dict[str, int]:
        """What the evaluator has to do.

        Returns:
          `episodes` to play (0 to ask again later) and the `position` that they
          count for.
        """
        with self._lock:
            at = None
            if self._phase in (Phase.RUNNING, Phase.EVALUATING):
                at = self._evaluation_at(final=self._phase is Phase.EVALUATING)
            if at is None:
                return {"episodes": 0, "position": 0}
            episodes = self._experiment.evaluation_episodes_at(at)
            return {"episodes": episodes, "position": at}

    def evaluating(self, text: str) -> None:
        """How far the evaluation is, for the progress line."""
        self._evaluation = text

    def evaluated(
        self, position: int, learner_steps: int, episodes: list[tuple[float, int]]
    ) -> None:
        """The evaluator has played.

        Args:
          position: that it was given.
          learner_steps: of the parameters that it played with.
          episodes: return and length of each.
        """
        with self._lock:
            facts = self._facts
            final = position >= self._experiment.length
            if facts.evaluated_at >= position or (
                final and self._phase is not Phase.EVALUATING
            ):
                return  # Played twice, or with parameters that were not the last.
            mean = self._record.add_evaluation(position, learner_steps, episodes)
            self._evaluation = f"evaluation {mean:g}"
            if self._phase is Phase.EVALUATING and final:
                self._phase = Phase.SAVING
            self._noted()
            self._record.write_summary("running")

    def _evaluation_at(self, *, final: bool) -> int | None:
        """The position at which an evaluation is due, if one is."""
        facts = self._facts
        if not self._experiment.evaluation_episodes_at(self._position):
            return None
        if final:
            return self._position if facts.evaluated_at < self._position else None
        every = self._experiment.evaluation_period
        due = self._position // every > facts.evaluated_at // every
        return self._position if due and not self._ledger.complete else None

    # Replay.

    def replay_enters(self, server: int, size: int, position: int) -> None:
        """A replay server has started, with what its checkpoint had.

        Args:
          server: its number.
          size: agent steps that it holds.
          position: of the run when it began to start; what was written to it since
            is no part of what it has lost.
        """
        with self._lock:
            self._replay_sizes[server] = size
            missing = self._missing(server, position)
            if self._phase is Phase.RUNNING and missing > 0:
                logging.warning("replay has lost its contents and is filled anew")
                self._books().refill(missing)
                self._record.schedule = self._books().schedule
            elif (
                self._phase is Phase.DRAINING
                and len(self._replay_sizes) == self._servers
                and not any(self._replay_sizes.values())
            ):
                # Nobody will fill it any more, and updates are still due.
                self.fail("replay lost its contents after the last agent step")

    def _missing(self, server: int, position: int) -> int:
        """Agent steps until the warm-up's are there again, after a server's start.

        Whatever the others hold, a server that was started again is to get its share
        of the warm-up back; agent steps are shared alike, so it gets as much of them.
        """
        assert isinstance(self._experiment, Experiment)
        filled = self._books().filled(self._experiment.agent.min_replay_size, position)
        sizes = self._replay_sizes
        missing = 0
        if len(sizes) == self._servers:
            missing = filled - sum(sizes.values())
        if self._record.starts.get(f"replay_{server}", 0) > 1:
            missing = max(missing, filled - self._servers * sizes[server])
        return missing

    def replay_holds(self, server: int, size: int) -> str:
        """A replay server's size; returns the phase."""
        self._replay_sizes[server] = size
        return self._phase.value

    # The launcher.

    def interrupt(self) -> None:
        """Ends the run early: the learner saves, then all nodes end."""
        with self._lock:
            if self._phase in (Phase.SAVING, Phase.ENDED):
                return
            self._noted()
            self._outcome = "interrupted"
            self._phase = Phase.SAVING

    def fail(self, message: str) -> None:
        """Ends the run at once, with what the last checkpoint has."""
        with self._lock:
            if self._phase is not Phase.ENDED:
                self._noted()
                self._outcome = f"failed: {message}"
                self._end()

    def status(self) -> dict[str, Any]:
        """Everything that the progress line shows."""
        with self._lock:
            facts = self._facts
            return {
                "phase": self._phase.value,
                "outcome": self._outcome,
                "agent_steps": facts.agent_steps,
                "learner_steps": facts.learner_steps,
                "loss": self._record.learner.get("loss"),
                "replay_size": sum(self._replay_sizes.values()),
                "ratio": self._record.ratio,
                "last_return": self._record.last_return,
                "evaluation": self._evaluation,
                "starts": dict(self._record.starts),
            }

    # Inside, with the lock held.

    @property
    def _position(self) -> int:
        return self._facts.position(self._experiment)

    def _books(self) -> Ledger:
        """The ledger of a run that acts; nobody else asks for it."""
        assert isinstance(self._ledger, Ledger)
        return self._ledger

    def _end(self) -> None:
        self._phase = Phase.ENDED
        self._record.write_summary(self._outcome)
        self._record.write_state(self._phase, self._outcome)
        self._ended.set()

    def _noted(self) -> dict[str, Any]:
        """The facts; the training's time among them goes on while it does."""
        if self._phase in (Phase.RUNNING, Phase.DRAINING):
            self._record.update_training_seconds()
        return self._record.noted()


def _make_ledger(
    experiment: AnyExperiment, config: DistributedConfig, record: Record
) -> Ledger | OfflineLedger:
    facts = record.facts
    if not isinstance(experiment, Experiment):
        return OfflineLedger(
            learner_steps=facts.learner_steps, length=experiment.length
        )
    assert record.schedule is not None
    agent = experiment.agent
    return Ledger(
        record.schedule,
        Pace.of(agent, config.num_actors, experiment.run.num_environments),
        agent_steps=facts.agent_steps,
        learner_steps=facts.learner_steps,
        max_agent_steps=experiment.length,
        steps_per_call=agent.sgd_steps_per_call,
    )
