"""Keeps a node's process alive: starts it, and starts it again when it dies.

Launchpad's own processes stay small: each only supervises the process that does the
node's work, whose output goes to `logs/NODE.log` and whose number stands in
`logs/NODE.pid`. The address is the node's, so a process that comes back is found
where the one before it was.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from acme_moe.experiments.distributed import state

# Exit status of a node that would fail again in the same way.
FATAL = 3
_LAST_LINES = 15
_NAME = "acme_moe.experiments.distributed.child"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Supervision:
    """How one node is kept alive.

    Attributes:
      name: of the node.
      workdir: of the run.
      token: of the program's launch.
      environment: variables of the node's process, beside those that it inherits.
      quick_failures: deaths in a row after which the run is given up.
      quick_seconds: a node that lived longer has not failed quickly.
      launcher: process whose end ends the node as well, on the same machine.
    """

    name: str
    workdir: Path
    token: str
    environment: dict[str, str]
    quick_failures: int
    quick_seconds: float
    launcher: int

    @property
    def log(self) -> Path:
        """File of the node's output."""
        return self.workdir / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> Path:
        """File of the node's process number."""
        return self.log.with_suffix(".pid")


def supervise(
    settings: Supervision,
    payload: bytes,
    give_up: Callable[[str], None],
    *,
    watch_launcher: bool,
) -> None:
    """Runs a node until it ends by itself, the run is over, or it fails for good.

    Args:
      settings: of the node.
      payload: the pickled function that the process calls.
      give_up: called with a message if the node cannot be kept alive.
      watch_launcher: whether the launcher is on this machine.
    """
    # Ctrl-C reaches the whole terminal, and Launchpad's SIGTERM every process; it is
    # the coordinator that heeds them and ends the run in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings.log.parent.mkdir(parents=True, exist_ok=True)
    launcher = None
    if watch_launcher:
        try:
            launcher = os.pidfd_open(settings.launcher)
        except ProcessLookupError:
            return
    failures = 0
    while True:
        started = time.monotonic()
        status = _run_once(settings, payload, launcher)
        if status is None or status == 0:
            return
        if state.ended(settings.workdir, settings.token):
            return
        how = _describe(status)
        lived = time.monotonic() - started
        failures = failures + 1 if lived < settings.quick_seconds else 1
        last = "\n".join(f"  {line}" for line in _last_lines(settings.log))
        if status == FATAL or failures >= settings.quick_failures:
            print(f"{how}; the last lines of {settings.log}:\n{last}", flush=True)
            give_up(_message(settings, how, status))
            return
        print(
            f"{how} after {lived:.0f} s, started again; the last lines of "
            f"{settings.log}:\n{last}",
            flush=True,
        )


def _run_once(
    settings: Supervision, payload: bytes, launcher: int | None
) -> int | None:
    """Runs the process to its end; None if the launcher ended before."""
    environment = {
        **os.environ,
        **settings.environment,
        # Where modules are found here, they are found there.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    with settings.log.open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", _NAME),
                *(settings.name, settings.workdir, settings.token, str(os.getpid())),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    settings.pid.write_text(f"{process.pid}\n")
    assert process.stdin is not None
    try:
        process.stdin.write(payload)
        process.stdin.close()
    except BrokenPipeError:
        pass  # It died already; its status says so.
    mine = os.pidfd_open(process.pid)
    poll = select.poll()
    for descriptor in (mine, launcher):
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll()}
    os.close(mine)
    if mine not in ready:
        process.kill()
        process.wait()
        return None
    status = process.wait()
    settings.pid.unlink(missing_ok=True)
    return status


def _describe(status: int) -> str:
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _message(settings: Supervision, how: str, status: int) -> str:
    last = _last_lines(settings.log)
    why = last[-1].strip() if last else how
    if status == FATAL:
        return why.removeprefix("error: ")
    return f"{settings.name} {how} {settings.quick_failures} times in a row: {why}"


def _last_lines(path: Path) -> list[str]:
    with path.open(errors="replace") as stream:
        return [line.rstrip() for line in collections.deque(stream, maxlen=_LAST_LINES)]
