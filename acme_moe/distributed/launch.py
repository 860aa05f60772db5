"""Launches the program on this machine, shows how it goes, and waits for its end."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import threading
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

import launchpad as lp
import psutil

from acme_moe import disk, files
from acme_moe.distributed import config as config_lib
from acme_moe.distributed import status as status_lib
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.program import COORDINATOR, make_distributed_program
from acme_moe.distributed.status import Phase, RunStatus
from acme_moe.distributed.waits import Seconds
from acme_moe.folder_lock import FolderLock
from acme_moe.processes import InterruptedRunError, Interrupts
from acme_moe.runs.checkpoint import run_state
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.finished import finished_summary
from acme_moe.runs.progress import Progress
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState

_STATE_FIELDS = {field.name for field in dataclasses.fields(RunState)}


class FailedRunError(RuntimeError):
    """A run that has ended because one of its nodes could not continue."""


def run_distributed(
    spec: RunSpec,
    workdir: Path,
    config: DistributedConfig,
    *,
    launch_type: str = "local_mp",
) -> dict[str, Any]:
    """Runs to the end, or until a signal asks to stop.

    Args:
      spec: the run.
      workdir: its folder; if it holds a run, that is resumed, unless it is finished.
      config: settings of the distributed run.
      launch_type: `local_mp` for processes or `local_mt` for threads of this one.

    Returns:
      The summary, as written to `summary.json`.

    Raises:
      FolderInUseError: if another process writes to the folder.
      DamagedCheckpointError: if the folder has checkpoints, none of them whole.
      OtherStateError: if its checkpoint is of another number of replay servers, or of
        another version of the library.
      InterruptedRunError: after SIGINT or SIGTERM; everything is saved.
      FailedRunError: if the run could not continue; says why.
    """
    _check_localhost()
    # Held here for all nodes, which end when the launcher does, however it ends.
    with FolderLock(workdir, field="workdir"):
        restored = Checkpoints(workdir / "checkpoints").latest(compare_replay=False)
        summary = finished_summary(spec, run_state(restored), workdir)
        if summary is not None:
            return summary
        config_lib.check_replay_servers(config, restored)
        program = make_distributed_program(spec, workdir, config)
        config_lib.write(config, workdir)
        (node,) = program.groups[COORDINATOR]
        others = _descendants()
        manager = lp.launch(
            program, launch_type=launch_type, terminal="current_terminal"
        )
        launched = _Launched(spec, workdir, node, manager)
        try:
            with Interrupts() as interrupts:
                outcome = launched.watch(interrupts)
        finally:
            launched.end(spared=others)
        if outcome.startswith("failed"):
            _note_failure(workdir, outcome)
    if outcome.startswith("failed"):
        raise FailedRunError(outcome.removeprefix("failed: "))
    if outcome == "interrupted":
        # If none arrived here, only one process of the program got a SIGTERM.
        raise InterruptedRunError(launched.signum or signal.SIGTERM)
    return files.read_json(workdir / "summary.json")


def _note_failure(workdir: Path, outcome: str) -> None:
    """Writes the outcome into the summary of a run that ended without coordinator."""
    path = workdir / "summary.json"
    summary = files.read_json_if_whole(path)
    # Or it ended first, and only its status could not be written.
    if summary.get("status") == "running":
        with contextlib.suppress(disk.DiskError):
            files.write_json(path, {**summary, "status": outcome})


def _check_localhost() -> None:
    """Raises an error if nodes would wait for each other forever."""
    try:
        socket.getaddrinfo("localhost", None)
    except OSError as error:
        raise FailedRunError(
            "localhost has no address on this machine, and Launchpad's nodes call each "
            "other by it; /etc/hosts needs a line such as '127.0.0.1 localhost'"
        ) from error


class _Launched:
    """A program under way.

    Attributes:
      signum: the signal that asked it to stop, if one did.
    """

    def __init__(self, spec: RunSpec, workdir: Path, node: Any, manager: Any) -> None:
        import courier

        self._spec = spec
        self._workdir = workdir
        self._manager = manager
        self._token = node.token
        self._client = courier.Client(
            node.courier_address.resolve(),
            call_timeout=Seconds.CALL_TO_GIVE_UP,
            wait_for_ready=False,
        )
        self._progress: Progress | None = None
        self._told = False
        self._broken: list[str] = []
        self.signum: int | None = None
        threading.Thread(target=self._wait_for_a_node, daemon=True).start()

    def watch(self, interrupts: Interrupts) -> str:
        """Draws the progress line until the run is over; returns its outcome."""
        status: dict[str, Any] = {}
        while True:
            try:
                interrupts.check()
            except InterruptedRunError as interrupt:
                self.signum = interrupt.signum
            kept = status_lib.read_status(self._workdir, self._token)
            if kept is not None and kept.ended:
                break
            if self._broken:
                return self._last_word() or f"failed: {self._broken[0]}"
            # The coordinator may not be up yet, or be restarting.
            with contextlib.suppress(Exception):
                status = self._ask()
            time.sleep(Seconds.LAUNCHER_LOOKS)
        self._finish(kept, status)
        return kept.outcome

    def _last_word(self) -> str | None:
        """Returns the outcome of a run that ended but could not write it, or None."""
        with contextlib.suppress(Exception):
            status = self._client.status()
            if status["phase"] == Phase.ENDED:
                return status["outcome"]
        return None

    def _ask(self) -> dict[str, Any]:
        """Passes on a signal, once; draws the progress; returns the run's status."""
        if self.signum is not None and not self._told:
            self._client.interrupt()
            self._told = True
        status = self._client.status()
        if self._progress is None:
            self._progress = Progress(self._spec, _state(status))
        if status["evaluation"] is not None:
            self._progress.evaluation(status["evaluation"])
        if status.get("last_return") is not None:
            self._progress.episode(status["last_return"])
        if self._progress.due():
            self._draw(self._progress, status)
        return status

    def _finish(self, kept: RunStatus, status: dict[str, Any]) -> None:
        """Draws the last line: the last answer may have come before the last event."""
        status = {"loss": None, **status, **kept.state}
        if self._progress is None:
            # A short run may be over before it has answered at all.
            self._progress = Progress(self._spec, _state(status))
        mean = kept.state.get("evaluation_return_mean")
        if mean is not None:
            self._progress.evaluation(f"evaluation {mean:g}")
        self._draw(self._progress, status)
        self._progress.close()

    def _draw(self, progress: Progress, status: dict[str, Any]) -> None:
        details = []
        if status.get("replay_size"):
            details.append(f"replay {status['replay_size']:,}")
        if status.get("ratio") is not None:
            details.append(f"ratio {status['ratio']:.4g}")
        state = _state(status)
        position = self._spec.position(state)
        progress.draw(position, state.learner_steps, status["loss"], details)

    def _wait_for_a_node(self) -> None:
        """Notes the first node that ends before the run does."""
        why = "the supervisor of a node was ended"
        try:
            self._manager.wait(return_on_first_completed=True)
        except BaseException as error:  # Of a node that is a thread.
            why = f"{type(error).__name__}: {error}"
        if not status_lib.ended(self._workdir, self._token):
            self._broken.append(why)

    def end(self, spared: Set[psutil.Process]) -> None:
        """Waits for all processes, and ends those that do not end by themselves.

        Args:
          spared: processes that were there before the launch.
        """
        waiting = threading.Thread(
            target=lambda: self._manager.wait(raise_error=False), daemon=True
        )
        waiting.start()
        waiting.join(0 if self._broken else Seconds.LAUNCHER_LEAVES)
        for child in _descendants() - spared:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def _descendants() -> set[psutil.Process]:
    """Returns the processes that this one has started, and theirs."""
    return set(psutil.Process().children(recursive=True))


def _state(status: dict[str, Any]) -> RunState:
    """Returns the counts that a status has among other things."""
    return RunState(**{k: v for k, v in status.items() if k in _STATE_FIELDS})
