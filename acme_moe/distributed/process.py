"""The process of a node: what keeps it alive, what runs in it, when it is over.

Launchpad's own processes stay small: each only supervises the process that does its
node's work, whose output goes to `logs/NODE.log` and whose id is in
`logs/NODE.pid`. The address belongs to the node, so a process that is started again is
found where the one before it was.

    python -m acme_moe.distributed.process NODE WORKDIR TOKEN PARENT < FUNCTION
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import cloudpickle

from acme_moe import files
from acme_moe.distributed.status import ended, read_status
from acme_moe.distributed.waits import Seconds
from acme_moe.processes import (
    STOP_SIGNALS,
    describe_exit,
    import_path,
    start_logged,
)

# Exit status of a node that would fail again in the same way.
FATAL = 3
_LAST_LINES = 15
_PR_SET_PDEATHSIG = 1


class RunEndedError(Exception):
    """The run is over, and nobody is there to answer any more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Supervision:
    """How one node is kept alive.

    Attributes:
      name: name of the node, `actor_0`.
      workdir: folder of the run.
      token: tells this launch of the program from others.
      environment: variables of the node's process, added to those that it inherits.
      quick_failures: as in `DistributedConfig`.
      quick_seconds: as in `DistributedConfig`.
      launcher: id of the launcher's process; if it is on this machine, its end also
        ends the node.
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
      settings: how the node is kept alive.
      payload: the pickled function that the process calls.
      give_up: called with a message if the node cannot be kept alive.
      watch_launcher: whether the launcher is on this machine.
    """
    # Ctrl-C reaches the whole terminal, and Launchpad's SIGTERM every process; the
    # coordinator alone reacts, and ends the run cleanly.
    _ignore_stops()
    settings.log.parent.mkdir(parents=True, exist_ok=True)
    launcher = None
    if watch_launcher:
        try:
            launcher = os.pidfd_open(settings.launcher)
        except ProcessLookupError:
            return
    failures = 0
    furthest = _reached(settings)
    while True:
        started = time.monotonic()
        status = _run_once(settings, payload, launcher)
        if not status or ended(settings.workdir, settings.token):
            return
        lived = time.monotonic() - started
        reached = _reached(settings)
        # Or a node that dies at the same point in each life would never end the run.
        further = any(now > then for now, then in zip(reached, furthest, strict=True))
        furthest = tuple(map(max, reached, furthest))
        failures = 0 if further and lived >= settings.quick_seconds else failures + 1
        given_up = status == FATAL or failures >= settings.quick_failures
        last = files.last_lines(settings.log, _LAST_LINES)
        what = describe_exit(status)
        if not given_up:
            what = f"{what} after {lived:.0f} s, started again"
        lines = "".join(f"\n  {line}" for line in last)
        _say(f"{what}; the last lines of {settings.log}:{lines}")
        if given_up:
            give_up(_reason(settings, status, last))
            return


def _run_once(
    settings: Supervision, payload: bytes, launcher: int | None
) -> int | None:
    """Runs the process; returns its exit status, None if the launcher ended first."""
    process = start_logged(
        [
            *(sys.executable, "-m", "acme_moe.distributed.process"),
            *(settings.name, settings.workdir, settings.token, str(os.getpid())),
        ],
        settings.log,
        append=True,
        stdin=subprocess.PIPE,
        env={
            **os.environ,
            **settings.environment,
            **import_path(),
        },
    )
    with contextlib.suppress(OSError):  # On a full disk, the node runs without it.
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
    status = process.wait()
    settings.pid.unlink(missing_ok=True)
    return status if mine in ready else None


def _reached(settings: Supervision) -> tuple[int, ...]:
    """Returns how far the run is, in counts that this node moves and keeps if it dies.

    What the learner has learnt since its last checkpoint is lost with it.
    """
    if settings.name == "learner":
        names = [path.name for path in (settings.workdir / "checkpoints").glob("*")]
        whole = [name for name in names if re.fullmatch(r"\d{12}(_\d+)?", name)]
        return (max((int(name[:12]) for name in whole), default=0),)
    counts = ["evaluated_at"]
    if settings.name != "evaluator":
        counts += ["agent_steps", "learner_steps"]
    status = read_status(settings.workdir, settings.token)
    state = status.state if status else {}
    return tuple(state.get(name, 0) for name in counts)


def _reason(settings: Supervision, status: int, last: list[str]) -> str:
    how = describe_exit(status)
    why = last[-1].strip() if last else how
    if status == FATAL:
        return why.removeprefix("error: ")
    return f"{settings.name}: {how}, {settings.quick_failures} times in a row: {why}"


def _say(text: str) -> None:
    """Prints what no run depends on."""
    with contextlib.suppress(OSError):  # A full disk, or nobody who reads it.
        print(text, flush=True)


def _ignore_stops() -> None:
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def main(name: str, workdir: Path, token: str, parent: int) -> int:
    """Runs a node's function in this process, and returns the exit status."""
    # Without its supervisor, nobody could restart or end this process.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    _ignore_stops()
    threading.Thread(
        target=_end_with_the_run, args=(workdir, token), daemon=True
    ).start()
    _say(f"--- {name} starts, process {os.getpid()}")
    from gym_notices import notices

    # Acme imports gym, and gym prints that it is no longer maintained.
    notices.notices.clear()
    function = cloudpickle.load(sys.stdin.buffer)
    try:
        function()
    except RunEndedError:
        return 0
    except BaseException as error:
        # Not before: they come from modules that not every node needs.
        from acme_moe.disk import DiskError
        from acme_moe.runs.errors import permanent_errors

        if isinstance(error, (*permanent_errors(), DiskError)):
            # Another try would end in the same way.
            _say(f"error: {error}")
            return FATAL
        _say(traceback.format_exc().rstrip())
        return 1
    return 0


def _end_with_the_run(workdir: Path, token: str) -> None:
    """Ends the process if it still waits for something when the run is over."""
    while not ended(workdir, token):
        time.sleep(Seconds.PROCESS_LOOKS)
    time.sleep(Seconds.PROCESS_ENDS)
    os._exit(0)


if __name__ == "__main__":
    _, node, folder, launch, supervisor = sys.argv
    exit_status = main(node, Path(folder), launch, int(supervisor))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # Threads of Reverb, TensorFlow and Courier need not be waited for.
    os._exit(exit_status)
