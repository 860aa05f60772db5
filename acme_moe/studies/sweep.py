"""Runs cells as processes, some at once, and stops them so that they can go on."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from acme_moe.studies import locks
from acme_moe.studies.plan import Cell
from acme_moe.studies.state import LOG_NAME, CellState, last_line, read_state

# How often the processes are looked at.
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a cell.

    Attributes:
      cell: which one.
      what: `started`, or how it ended, a state of `acme_moe.studies.state`.
      reason: why it failed or stopped.
      seconds: since it started here.
    """

    cell: Cell
    what: str
    reason: str = ""
    seconds: float = 0.0


@dataclasses.dataclass
class _Process:
    cell: Cell
    popen: subprocess.Popen[bytes]
    slot: int
    started: float


class Sweep:
    """Runs what is not finished, each cell at most once."""

    def __init__(
        self,
        cells: Sequence[Cell],
        workdir: Path,
        *,
        make_command: Callable[[Cell], list[str]],
        on_event: Callable[[Event], None],
        parallel: int = 1,
        split_cpus: bool = True,
    ) -> None:
        """Starts nothing yet.

        Args:
          cells: the runs, in the order in which they start.
          workdir: the study's folder.
          make_command: the command of a cell.
          on_event: is told of each start and end.
          parallel: how many run at once.
          split_cpus: with several at once, gives each its share of the CPUs, so that
            their threads do not compete.
        """
        self._cells = cells
        self._workdir = workdir
        self._make_command = make_command
        self._on_event = on_event
        self._parallel = parallel
        self._cpus = _shares(parallel) if split_cpus else None
        self._processes: list[_Process] = []
        self._waiting: list[Cell] = []
        self.signum: int | None = None

    def states(self) -> dict[str, CellState]:
        """The state of each cell, by its name."""
        return {cell.name: read_state(cell, self._workdir) for cell in self._cells}

    @property
    def to_do(self) -> list[Cell]:
        """The cells that run now or are still to."""
        return [*(process.cell for process in self._processes), *self._waiting]

    def run(self) -> int | None:
        """Runs the cells until all have ended, or until a signal.

        SIGINT and SIGTERM are passed on to the processes, which save and end; nothing
        new is started.

        Returns:
          The signal that stopped it, or None.
        """
        states = self.states()
        self._waiting = [
            cell
            for cell in self._cells
            if states[cell.name].state not in ("finished", "running")
        ]
        with self._signals():
            while self._processes or (self._waiting and self.signum is None):
                if self.signum is None:
                    self._start()
                self._look()
                if self._processes:
                    time.sleep(_POLL_SECONDS)
        return self.signum

    def _start(self) -> None:
        """Starts what has a slot and what it needs."""
        for cell in list(self._waiting):
            if len(self._processes) >= self._parallel or self.signum is not None:
                return
            if any(other.name == cell.needs for other in self.to_do):
                continue
            self._waiting.remove(cell)
            if cell.needs is not None and not self._is_finished(cell.needs):
                reason = f"needs {cell.needs}, which is not finished"
                self._on_event(Event(cell=cell, what="failed", reason=reason))
                continue
            self._start_one(cell)

    def _start_one(self, cell: Cell) -> None:
        folder = self._workdir / cell.name
        folder.mkdir(parents=True, exist_ok=True)
        lock = locks.take(folder)
        if lock is None:
            reason = "another process runs it"
            self._on_event(Event(cell=cell, what="running", reason=reason))
            return
        slots = {process.slot for process in self._processes}
        slot = next(i for i in range(self._parallel) if i not in slots)
        try:
            with (folder / LOG_NAME).open("wb") as log:
                # A session of its own: the terminal's Ctrl-C reaches the sweep alone,
                # which passes it on once.
                popen = subprocess.Popen(
                    self._make_command(cell),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)
        if self._cpus is not None:
            # Before the process has threads, which inherit it.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(popen.pid, self._cpus[slot])
        self._processes.append(_Process(cell, popen, slot, time.monotonic()))
        if self.signum is not None:
            popen.send_signal(self.signum)
        self._on_event(Event(cell=cell, what="started"))

    def _look(self) -> None:
        """Takes note of the processes that have ended."""
        for process in list(self._processes):
            code = process.popen.poll()
            if code is None:
                continue
            self._processes.remove(process)
            if code and self.signum is not None:
                self._note_interrupt(process.cell)
            state = read_state(process.cell, self._workdir)
            what, reason = state.state, state.reason
            if what != "finished" and code and self.signum is None:
                what = "failed"
                said = last_line(self._workdir / process.cell.name / LOG_NAME)
                reason = f"{_ending(code)}: {said or reason or 'no output'}"
            self._on_event(
                Event(
                    cell=process.cell,
                    what=what,
                    reason=reason,
                    seconds=time.monotonic() - process.started,
                )
            )

    def _note_interrupt(self, cell: Cell) -> None:
        """Writes why it ended to a run's log, which shows where it has no summary."""
        assert self.signum is not None
        name = signal.Signals(self.signum).name
        with (self._workdir / cell.name / LOG_NAME).open("a") as log:
            log.write(f"\nthe sweep was stopped by {name}\n")

    def _is_finished(self, name: str) -> bool:
        cell = next(cell for cell in self._cells if cell.name == name)
        return read_state(cell, self._workdir).state == "finished"

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def pass_on(signum: int, frame: types.FrameType | None) -> None:
            del frame
            self.signum = signum
            for process in self._processes:
                process.popen.send_signal(signum)

        previous = {s: signal.signal(s, pass_on) for s in _SIGNALS}
        try:
            yield
        finally:
            for signum, handler in previous.items():
                signal.signal(signum, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _shares(parallel: int) -> list[set[int]] | None:
    """Disjoint shares of this process's CPUs; None where there is nothing to split."""
    cpus = sorted(os.sched_getaffinity(0))
    if parallel < 2 or len(cpus) < parallel:
        return None
    size = len(cpus) // parallel
    return [set(cpus[i * size : (i + 1) * size]) for i in range(parallel)]


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
