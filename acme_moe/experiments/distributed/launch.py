"""Launches the program on this machine, shows how it goes, and waits for its end."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import launchpad as lp
import psutil

from acme_moe.experiments.config import AnyExperiment
from acme_moe.experiments.distributed import settings, state
from acme_moe.experiments.distributed.program import (
    COORDINATOR,
    make_distributed_program,
)
from acme_moe.experiments.distributed.settings import DistributedConfig
from acme_moe.experiments.interrupts import InterruptedRunError, Interrupts
from acme_moe.experiments.progress import Progress

LAUNCH_TYPES = ("local_mp", "local_mt")
_ASK_EVERY = 0.25
# Seconds that the nodes have to end by themselves; they take four at most.
_PATIENCE = 7.0


class FailedRunError(RuntimeError):
    """A run that has ended because one of its nodes could not go on."""


def run_distributed(
    experiment: AnyExperiment,
    workdir: Path,
    config: DistributedConfig,
    *,
    launch_type: str = "local_mp",
) -> dict[str, Any]:
    """Runs to the end, or until a signal asks to stop.

    Args:
      experiment: the settings.
      workdir: the run's folder; if it holds a run, this goes on with it.
      config: of the distribution.
      launch_type: `local_mp` for processes or `local_mt` for threads of this one.

    Returns:
      The summary, as written to `summary.json`.

    Raises:
      InterruptedRunError: after SIGINT or SIGTERM; everything is saved.
      FailedRunError: if the run could not go on; says why.
    """
    settings.write(config, workdir)
    program = make_distributed_program(experiment, workdir, config)
    (node,) = program.groups[COORDINATOR]
    manager = lp.launch(program, launch_type=launch_type, terminal="current_terminal")
    with Interrupts() as interrupts:
        launched = _Launched(experiment, workdir, node, manager)
        outcome = launched.watch(interrupts)
    launched.end()
    summary_path = workdir / "summary.json"
    if outcome.startswith("failed"):
        raise FailedRunError(outcome.removeprefix("failed: "))
    if launched.signum is not None and outcome == "interrupted":
        raise InterruptedRunError(launched.signum)
    return json.loads(summary_path.read_text())


class _Launched:
    """A program under way."""

    def __init__(
        self, experiment: AnyExperiment, workdir: Path, node: Any, manager: Any
    ) -> None:
        import courier

        self._experiment = experiment
        self._workdir = workdir
        self._manager = manager
        self._token = node.token
        self._client = courier.Client(
            node.courier_address.resolve(), call_timeout=5.0, wait_for_ready=False
        )
        self.signum: int | None = None
        self._broken: list[str] = []
        threading.Thread(target=self._wait_for_a_node, daemon=True).start()

    def watch(self, interrupts: Interrupts) -> str:
        """Draws the progress line until the run is over; returns its outcome."""
        run = self._experiment.run
        progress: Progress | None = None
        status: dict[str, Any] = {}
        told = False
        while True:
            ended = state.read(self._workdir, self._token)
            if ended is not None and ended.phase is state.Phase.ENDED:
                break
            if self._broken:
                return f"failed: {self._broken[0]}"
            try:
                interrupts.check()
            except InterruptedRunError as interrupt:
                self.signum = interrupt.signum
            # It may not be there yet, or be on its way back.
            with contextlib.suppress(Exception):
                if self.signum is not None and not told:
                    self._client.interrupt()
                    told = True
                status = self._client.status()
                if progress is None:
                    progress = Progress(
                        run.game,
                        self._experiment.length,
                        status[self._experiment.fact],
                        status["learner_steps"],
                        self._experiment.unit,
                    )
                if status["evaluation"] is not None:
                    progress.evaluation(status["evaluation"])
                if status["last_return"] is not None:
                    progress.episode(status["last_return"])
                if progress.due():
                    self._draw(progress, status)
            time.sleep(_ASK_EVERY)
        if progress is not None:
            # The last answer may have come before the last update or evaluation.
            status.update({k: v for k, v in ended.facts.items() if k in status})
            mean = ended.facts.get("evaluation_return_mean")
            if mean is not None:
                progress.evaluation(f"evaluation {mean:g}")
            self._draw(progress, status)
            progress.close()
        return ended.outcome

    def _draw(self, progress: Progress, status: dict[str, Any]) -> None:
        details = []
        if status["replay_size"]:
            details.append(f"replay {status['replay_size']:,}")
        if status["ratio"] is not None:
            details.append(f"ratio {status['ratio']:.4g}")
        position = status[self._experiment.fact]
        progress.draw(position, status["learner_steps"], status["loss"], details)

    def _wait_for_a_node(self) -> None:
        """Notes the first node that is gone while the run is not over."""
        why = "the supervisor of a node was ended"
        try:
            self._manager.wait(return_on_first_completed=True)
        except BaseException as error:  # Of a node that is a thread.
            why = f"{type(error).__name__}: {error}"
        if not state.ended(self._workdir, self._token):
            self._broken.append(why)

    def end(self) -> None:
        """Waits for all processes, and ends those that do not end by themselves."""
        waiting = threading.Thread(
            target=lambda: self._manager.wait(raise_error=False), daemon=True
        )
        waiting.start()
        waiting.join(0 if self._broken else _PATIENCE)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
