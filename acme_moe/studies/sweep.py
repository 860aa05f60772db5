"""Trains planned runs as processes, some at once; a signal stops all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from acme_moe import disk, processes
from acme_moe.studies import locks
from acme_moe.studies.planned_runs import PlannedRun
from acme_moe.studies.state import (
    LOG_NAME,
    FolderState,
    last_line,
    read_state,
    read_state_at_rest,
)

# How often the processes are looked at.
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """The start or the end of a run.

    Attributes:
      run: which one.
      what: `started`, or how it ended, a state of `acme_moe.studies.state`.
      reason: why it failed or stopped.
      seconds: since it started here.
    """

    run: PlannedRun
    what: str
    reason: str = ""
    seconds: float = 0.0


class RunProcess(Protocol):
    """What a sweep needs of a process, as `subprocess.Popen` has it."""

    def poll(self) -> int | None:
        """Returns the exit status, `-N` after signal N; None while it still runs."""

    def send_signal(self, signum: int) -> Any:
        """Sends it a signal, if it is still there."""


@dataclasses.dataclass
class _Process:
    run: PlannedRun
    popen: RunProcess
    slot: int
    started: float


class Sweep:
    """Trains what is not finished, each run at most once."""

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        workdir: Path,
        *,
        make_command: Callable[[PlannedRun], list[str]],
        start: Callable[..., RunProcess],
        on_event: Callable[[Event], None],
        parallel: int = 1,
        split_cpus: bool = True,
        more: Callable[[Sequence[PlannedRun]], Sequence[PlannedRun]] = lambda left: (),
    ) -> None:
        """Starts nothing yet.

        Args:
          runs: the runs, in the order in which they start.
          workdir: the study's folder.
          make_command: returns the command of a run.
          start: starts a command, with the arguments of `Preloaded.start`.
          on_event: is told of each start and end.
          parallel: how many run at once.
          split_cpus: whether to give each of several at once its share of the CPUs, so
            that their threads do not compete.
          more: called with the runs that are left when fewer are left than may run at
            once; returns further runs, or none if there are no more.
        """
        self._runs = list(runs)
        self._workdir = workdir
        self._make_command = make_command
        self._on_event = on_event
        self._parallel = parallel
        self._start_command = start
        self._more = more
        self._cpus = _shares(parallel) if split_cpus else None
        self._processes: list[_Process] = []
        self._waiting: list[PlannedRun] = []
        # Names of the runs that have waited here.
        self._had: set[str] = set()
        self.signum: int | None = None

    def states(self) -> dict[str, FolderState]:
        """Returns the state of each run, by its name."""
        return {run.name: read_state(run, self._workdir) for run in self._runs}

    @property
    def to_do(self) -> list[PlannedRun]:
        """The runs that are under way or still to start."""
        return [*(process.run for process in self._processes), *self._waiting]

    def run(self) -> int | None:
        """Trains until all have ended, or until a signal.

        SIGINT and SIGTERM are passed on to the processes, which save and end; nothing
        new is started.

        Returns:
          The signal that stopped it, or None.
        """
        self._waiting = self._startable(self._runs)
        with processes.handling_stops(self._pass_on):
            while self._has_work():
                if self.signum is None:
                    self._start()
                self._look()
                if self.to_do:
                    time.sleep(_POLL_SECONDS)
        return self.signum

    def _startable(self, runs: Sequence[PlannedRun]) -> list[PlannedRun]:
        found = [run for run in runs if read_state(run, self._workdir).startable]
        self._had.update(run.name for run in found)
        return found

    def _has_work(self) -> bool:
        """Returns whether a run is left, after asking for more where there is room."""
        while self.signum is None and len(self.to_do) < self._parallel:
            more = self._more(self.to_do)
            if not more:
                break
            known = {run.name for run in self._runs}
            new = [run for run in more if run.name not in known]
            self._runs.extend(new)
            self._waiting.extend(self._startable(new))
        return bool(self._processes or (self._waiting and self.signum is None))

    def _start(self) -> None:
        """Starts runs while slots are free, of those that have what they need."""
        needed: dict[str, str] = {}
        for run in list(self._waiting):
            if len(self._processes) >= self._parallel or self.signum is not None:
                return
            if run.needs is not None:
                if run.needs not in needed:
                    needed[run.needs] = self._state_of_needed(run.needs)
                if needed[run.needs] == "running":
                    continue
                if needed[run.needs] != "finished":
                    self._waiting.remove(run)
                    reason = f"needs {run.needs}, which is not finished"
                    self._on_event(Event(run=run, what="failed", reason=reason))
                    continue
            self._waiting.remove(run)
            self._start_one(run)

    def _state_of_needed(self, name: str) -> str:
        """Returns the state of a run that others need; `running` if it still waits."""
        if any(run.name == name for run in self.to_do):
            return "running"
        run = next(run for run in self._runs if run.name == name)
        state = read_state(run, self._workdir)
        if state.startable and name not in self._had:
            # Another process had it, and has ended without finishing it.
            self._had.add(name)
            self._waiting.insert(0, run)
            return "running"
        return state.state

    def _start_one(self, run: PlannedRun) -> None:
        folder = self._workdir / run.name
        try:
            with disk.writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                lock = locks.take(folder)
        except disk.DiskError as error:
            # There may be room again for the next one, and others are under way.
            self._on_event(Event(run=run, what="failed", reason=str(error)))
            return
        if lock is None:
            reason = "another process runs it"
            self._on_event(Event(run=run, what="running", reason=reason))
            return
        if read_state_at_rest(run, self._workdir).finished:
            os.close(lock)
            reason = "by another process"
            self._on_event(Event(run=run, what="finished", reason=reason))
            return
        slots = {process.slot for process in self._processes}
        slot = next(i for i in range(self._parallel) if i not in slots)
        try:
            popen = self._start_command(
                self._make_command(run),
                folder / LOG_NAME,
                lock=lock,
                cpus=self._cpus[slot] if self._cpus is not None else None,
            )
        finally:
            os.close(lock)
        self._processes.append(_Process(run, popen, slot, time.monotonic()))
        if self.signum is not None:
            popen.send_signal(self.signum)
        self._on_event(Event(run=run, what="started"))

    def _look(self) -> None:
        """Removes the processes that have ended, and tells of each as an event."""
        for process in list(self._processes):
            code = process.popen.poll()
            if code is None:
                continue
            self._processes.remove(process)
            if code and self.signum is not None:
                self._note_interrupt(process.run)
            state = read_state(process.run, self._workdir)
            what, reason = state.state, state.reason
            if not state.finished and code and self.signum is None:
                what = "failed"
                said = last_line(self._workdir / process.run.name / LOG_NAME)
                reason = (
                    f"{processes.describe_exit(code)}: {said or reason or 'no output'}"
                )
            self._on_event(
                Event(
                    run=process.run,
                    what=what,
                    reason=reason,
                    seconds=time.monotonic() - process.started,
                )
            )

    def _note_interrupt(self, run: PlannedRun) -> None:
        """Writes to a run's log why it ended: the reason shown if it has no summary."""
        assert self.signum is not None
        name = signal.Signals(self.signum).name
        log_path = self._workdir / run.name / LOG_NAME
        # A full disk is not to keep the sweep from waiting for the others.
        with contextlib.suppress(OSError), log_path.open("a") as log:
            log.write(f"\nthe sweep was stopped by {name}\n")

    def _pass_on(self, signum: int, frame: types.FrameType | None) -> None:
        """Handles a signal: tells every process once."""
        del frame
        self.signum = signum
        for process in self._processes:
            process.popen.send_signal(signum)


def _shares(parallel: int) -> list[set[int]] | None:
    """Returns disjoint shares of this process's CPUs; None where none can be split."""
    cpus = sorted(os.sched_getaffinity(0))
    if parallel < 2 or len(cpus) < parallel:
        return None
    size = len(cpus) // parallel
    return [set(cpus[i * size : (i + 1) * size]) for i in range(parallel)]
