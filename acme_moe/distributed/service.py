"""The coordinator's node: a coordinator behind a lock, and the files of its run.

Only this node writes the scores and the summary. It holds no model and needs neither
TensorFlow nor a JAX program, so it starts in a second. The other nodes call it by
Courier; no call waits for anything else to happen.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import logging

from acme_moe import disk
from acme_moe.distributed import status as status_lib
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.coordinator import (
    Coordinator,
    EvaluationOrder,
    LearnerOrder,
)
from acme_moe.distributed.status import Phase, RunStatus
from acme_moe.distributed.waits import Seconds
from acme_moe.runs.checkpoint import run_state
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState, Stopwatch


class CoordinatorService:
    """The coordinator as other nodes see it.

    They call its public methods through Courier.

    Attributes:
      coordinator: what it serves.
    """

    def __init__(
        self, spec: RunSpec, workdir: Path, config: DistributedConfig, token: str
    ) -> None:
        """Resumes from the last checkpoint, or from what it kept before it died.

        Args:
          spec: the run.
          workdir: its folder.
          config: settings of the distributed run.
          token: tells this launch of the program from earlier ones.

        Raises:
          DamagedCheckpointError: if the folder has checkpoints, none of them whole.
        """
        self._spec = spec
        self._config = config
        self._workdir = workdir
        self._token = token
        self._lock = threading.RLock()
        self._folder = RunFolder(workdir, spec)
        self._starts: dict[str, int] = {}
        kept = status_lib.read_status(workdir, token)
        if kept is None:
            checkpoints = Checkpoints(workdir / "checkpoints")
            restored = checkpoints.latest()
            state = run_state(restored)
            if not spec.is_done(state):
                self._folder.write_config()
            replay_lost = restored is not None and not restored.replay_paths
            spec.begin(state, replay_lost=replay_lost)
        else:
            state = RunState(**kept.state)
            self._starts.update(kept.starts)
        if kept is None or not kept.ended:
            self._folder.forget_scores_after(state)
        self.coordinator = self._make_coordinator(state)
        if kept is not None:
            self.coordinator.phase = Phase(kept.phase)
            self.coordinator.outcome = kept.outcome
        self._wall = Stopwatch(state.wall_seconds)
        self._training: Stopwatch | None = None
        self._learner: dict[str, Any] = {}
        self._left: set[str] = set()
        self._evaluation: str | None = None
        self._ended = threading.Event()
        if self.coordinator.phase is Phase.ENDED:
            self._ended.set()

    def _make_coordinator(self, state: RunState) -> Coordinator:
        return Coordinator(self._spec, state)

    def run(self) -> None:
        """Keeps a copy of the state until the run is over."""
        sigterm = threading.Event()
        if threading.current_thread() is threading.main_thread():
            # Launchpad's way to end a program; every other node waits for this one.
            signal.signal(signal.SIGTERM, lambda *_: sigterm.set())
        while not self._ended.wait(Seconds.KEEP_STATE):
            if sigterm.is_set():
                self.interrupt()
            self.keep()
        deadline = time.monotonic() + Seconds.COORDINATOR_LEAVES
        while self._left < set(self._starts) and time.monotonic() < deadline:
            time.sleep(0.05)

    def keep(self) -> None:
        """Writes what a restarted coordinator resumes from; warns if it cannot."""
        with self._lock:
            machine = self.coordinator
            try:
                status = RunStatus(
                    self._token,
                    machine.phase.value,
                    machine.outcome,
                    self.state(),
                    self._starts,
                )
                status_lib.write_status(self._workdir, status)
            except disk.DiskError as error:
                logging.log_every_n_seconds(logging.WARNING, "%s", 60.0, error)

    def enter(self, node: str) -> dict[str, int]:
        """Records that a node starts, or starts again.

        Returns:
          The `position` of the run, and how often the node was `started` before.
        """
        with self._lock:
            started = self._starts.get(node, 0)
            self._starts[node] = started + 1
            self._left.discard(node)
            return {"position": self.coordinator.position, "started": started}

    def leave(self, node: str) -> None:
        """Records that a node has been told of the run's end, and is leaving."""
        self._left.add(node)

    def track(self, label: str, row: dict[str, float]) -> None:
        """Sends a row of the learner's logs where `RunFolder.track` does."""
        with self._lock:
            self._folder.track(label, row)

    def phase(self) -> str:
        """Returns the present phase; `ended` only once everything is on disk."""
        phase = self.coordinator.phase
        if phase is Phase.ENDED and not self._ended.is_set():
            # A node that left now would count as one that died before the run's end.
            phase = Phase.SAVING
        return phase.value

    def state(self) -> dict[str, Any]:
        """Returns the counts as they are now, for checkpoints among other things.

        Raises:
          DiskError: if there is no room for the scores up to here.
        """
        with self._lock:
            self._folder.write_scores()
            self._note_time()
            return dataclasses.asdict(self.coordinator.state)

    def learn(
        self, learner_steps: int, report: dict[str, float | None] | None
    ) -> LearnerOrder:
        """Records how far the learner is, and returns what it has to do.

        Args:
          learner_steps: number of updates in the learner's state.
          report: its loss and statistics; None in most calls.
        """
        with self._answering():
            if report is not None:
                self._learner = report
            self._note_time()
            before = self.coordinator.state.evaluated_at
            order = self.coordinator.learn(learner_steps)
            if self.coordinator.state.evaluated_at < before:
                # The learner must not fail for it.
                with contextlib.suppress(disk.DiskError):
                    self._folder.forget_scores_after(self.coordinator.state)
            if order.updates:
                self._training_starts()
            return order

    def saved(self, replay_bytes_per_transition: float | None, final: bool) -> None:
        """Records a checkpoint that the learner has written.

        Args:
          replay_bytes_per_transition: see `RunState`.
          final: see `Coordinator.saved`.
        """
        with self._answering():
            machine = self.coordinator
            if replay_bytes_per_transition is not None:
                machine.state.replay_bytes_per_transition = replay_bytes_per_transition
            machine.saved(final=final)
            if machine.phase is not Phase.ENDED:
                self._write_summary("running")

    def evaluation(self) -> EvaluationOrder:
        """Returns what the evaluator has to play."""
        with self._lock:
            return self.coordinator.evaluation()

    def evaluating(self, text: str) -> None:
        """Records how far the evaluation is, for the progress line."""
        self._evaluation = text

    def evaluated(
        self, position: int, learner_steps: int, episodes: Sequence[EpisodeResult]
    ) -> None:
        """Records what the evaluator has played.

        Args:
          position: the position in its order.
          learner_steps: learner step of the parameters that it played with.
          episodes: results of the episodes.
        """
        with self._answering():
            machine = self.coordinator
            if not machine.evaluated(position):
                return
            self._note_time()
            # Parameters may be a little newer than the position that they count for,
            # and it is the position by which a resumed run finds its rows.
            counts = {"learner_steps": learner_steps, self._spec.steps_key: position}
            at = dataclasses.replace(machine.state, **counts)
            self._folder.add_evaluation(at, [EpisodeResult(*e) for e in episodes])
            mean = statistics.fmean(result for result, _ in episodes)
            machine.state.evaluation_return_mean = mean
            self._evaluation = f"evaluation {mean:g}"
            self._write_summary("running")

    def interrupt(self) -> None:
        """Ends the run early: the learner saves, then all nodes end."""
        with self._answering():
            self._note_time()
            self.coordinator.interrupt()

    def fail(self, message: str) -> None:
        """Ends the run at once, with what the last checkpoint has."""
        with self._answering():
            self._note_time()
            self.coordinator.fail(message)

    def status(self) -> dict[str, Any]:
        """Returns everything that the progress line shows."""
        with self._lock:
            return {
                "phase": self.coordinator.phase.value,
                "outcome": self.coordinator.outcome,
                **dataclasses.asdict(self.coordinator.state),
                "loss": self._learner.get("loss"),
                "evaluation": self._evaluation,
                "starts": dict(self._starts),
            }

    # Private.

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Holds the lock, and saves what others will act on before they are told it."""
        machine = self.coordinator

        def promised() -> tuple[Any, ...]:
            return machine.phase, machine.outcome, machine.state.schedule_start

        with self._lock:
            before = promised()
            yield
            if promised() == before:
                return
            if machine.phase is Phase.ENDED:
                self._publish_end()
            else:
                self.keep()

    # Called with the lock held.

    def _note_time(self) -> None:
        state = self.coordinator.state
        state.wall_seconds = self._wall.seconds
        # Evaluating and saving at the end are not training.
        if self._training is not None and self.coordinator.training:
            state.training_seconds = self._training.seconds

    def _training_starts(self) -> None:
        """Counts time from the first agent step or update of this launch on."""
        if self._training is None:
            self._training = Stopwatch(self.coordinator.state.training_seconds)

    def _publish_end(self) -> None:
        """Writes how the run has ended, before anybody sees that it has.

        From then on, every process has seconds to leave.
        """
        try:
            self._write_summary(self.coordinator.outcome)
        except disk.DiskError as error:
            self.coordinator.outcome = f"failed: {error}"
        self._folder.close()
        self.keep()
        self._ended.set()

    def _details(self) -> dict[str, Any]:
        """Returns what the summary says of the learner and the processes."""
        restarts = {n: k - 1 for n, k in sorted(self._starts.items()) if k > 1}
        learner = {k: v for k, v in self._learner.items() if k != "loss"}
        return {**learner, "node_restarts": restarts}

    def _write_summary(self, status: str) -> None:
        self._note_time()
        machine = self.coordinator
        summary = machine.spec.summarize(
            machine.state, status=status, details=self._details()
        )
        self._folder.write_summary(summary)
