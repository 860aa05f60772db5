"""Processes that log to a file, the signals that stop them, and how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Within so many seconds, signals of one kind are one request.
_ONE_REQUEST_SECONDS = 1.0


def start_logged(
    command: Sequence[str | Path], log: Path, *, append: bool = False, **settings: Any
) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own whose output goes to a file.

    It has a session of its own because the terminal's Ctrl-C reaches every process of a
    session; the process that started it decides which signals to pass on.

    Args:
      command: the program and its arguments.
      log: file for the process's standard output and standard error.
      append: whether to keep what the file already holds.
      **settings: further arguments of `subprocess.Popen`.
    """
    with log.open("ab" if append else "wb") as stream:
        return subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **settings,
        )


def import_path() -> dict[str, str]:
    """Returns the variable by which a process finds the modules of this one."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def describe_exit(status: int) -> str:
    """Returns how a process ended, in words: `killed by SIGKILL`, `exit status 1`."""
    if status < 0:
        names = {each.value: each.name for each in signal.Signals}
        # Real-time signals have no names.
        return f"killed by {names.get(-status, f'signal {-status}')}"
    return f"exit status {status}"


@contextlib.contextmanager
def handling_stops(
    handler: Callable[[int, types.FrameType | None], None],
) -> Iterator[None]:
    """Lets a function handle SIGINT and SIGTERM inside the `with` block."""
    previous = {signum: signal.signal(signum, handler) for signum in STOP_SIGNALS}
    try:
        yield
    finally:
        for signum, handler_before in previous.items():
            signal.signal(signum, handler_before)


class InterruptedRunError(Exception):
    """A signal asked a run to end before its last step."""

    def __init__(self, signum: int) -> None:
        """Keeps the signal."""
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class Interrupts:
    """Context manager that notes SIGINT and SIGTERM.

    The first signal of each kind is noted, and the run ends at its next step; one of
    that kind that comes later is handled as it was before. What follows at once is no
    second request: where systemd signals all processes, the run of a sweep gets the
    same signal from the sweep, too.
    """

    def __init__(self) -> None:
        self._signum: int | None = None
        self._noted_at: dict[int, float] = {}
        self._stack = contextlib.ExitStack()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        # One that was noted has ended the run; who runs it once more means it.
        self._signum = None
        self._noted_at = {}
        self._previous = {signum: signal.getsignal(signum) for signum in STOP_SIGNALS}
        self._stack.enter_context(handling_stops(self._note))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _note(self, signum: int, frame: types.FrameType | None) -> None:
        del frame
        self._signum = signum
        now = time.monotonic()
        if now - self._noted_at.setdefault(signum, now) > _ONE_REQUEST_SECONDS:
            signal.signal(signum, self._previous[signum])
            signal.raise_signal(signum)

    def check(self) -> None:
        """Does nothing until a signal has arrived.

        Raises:
          InterruptedRunError: once SIGINT or SIGTERM has arrived.
        """
        if self._signum is not None:
            raise InterruptedRunError(self._signum)
