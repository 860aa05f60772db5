"""The states of a study's runs, as their folders tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acme_moe import fields, files
from acme_moe.studies import locks
from acme_moe.studies.planned_runs import PlannedRun

LOG_NAME = "sweep.log"
STATES = ("finished", "running", "stopped", "failed", "waiting")
_SAYS_NOTHING = ("Pass --help", "[reverb/")

WITHOUT_EFFECT = frozenset(
    {
        # When and what is written to disk.
        "checkpoint_every_minutes",
        "checkpoints_kept",
        "log_every_seconds",
        "loggers",
        "record",
        # Processes, threads, memory, and a check of what is there.
        "environment_processes",
        "dataset.workers",
        "dataset.num_files",
        "diagnostics.gradient_megabytes",
        # When a process that keeps failing is given up.
        "distributed.quick_failures",
        "distributed.quick_seconds",
    }
)
"""Settings that change neither the training nor what is measured."""

# Data may move, too.
_MAY_DIFFER = {*WITHOUT_EFFECT, "dataset.path"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class FolderState:
    """How far the run of a folder is.

    Attributes:
      state: `finished`, `running`, `stopped` (it resumes from its last checkpoint),
        `failed` or `waiting`.
      reason: why it failed or stopped.
      position: agent steps so far, or updates of a run on fixed data.
      wall_seconds: seconds that it took so far; None if it has not said so yet.
    """

    state: str
    reason: str = ""
    position: int = 0
    wall_seconds: float | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == "finished"

    @property
    def startable(self) -> bool:
        """Whether it is neither finished nor running."""
        return self.state not in ("finished", "running")


def read_state(run: PlannedRun, workdir: Path) -> FolderState:
    """Returns the state of a run, which is running if a process has its lock."""
    # Looked at first: a run that ends in between has written all by then.
    taken = locks.is_taken(workdir / run.name)
    state = read_state_at_rest(run, workdir)
    if taken:
        return dataclasses.replace(state, state="running", reason="")
    return state


def read_state_at_rest(run: PlannedRun, workdir: Path) -> FolderState:
    """Returns the state of a run that no process runs, other than perhaps this one.

    It is finished if its summary says so, its settings are those of the plan, other
    than the place of its data and those `WITHOUT_EFFECT`, and it is as long as they ask
    for.
    """
    folder = workdir / run.name
    summary = read_summary(folder)
    config = files.read_json_if_whole(folder / "config.json")
    position = _position(summary, config)
    status = str(summary.get("status", ""))
    reason = ""
    if not status:
        reason = last_line(folder / LOG_NAME)
        state = "failed" if reason else "stopped" if config else "waiting"
    elif different := _differences(run.settings, config):
        state, reason = "failed", f"other settings there: {'; '.join(different)}"
    elif status.startswith("failed"):
        state, reason = "failed", status.removeprefix("failed").lstrip(": ")
    elif status != "finished":
        state = "stopped"
        reason = status if status == "interrupted" else "ended without saving"
    elif position < _length(config):
        state, reason = "stopped", "shorter than asked for"
    else:
        state = "finished"
    return FolderState(
        state=state,
        reason=reason,
        position=position,
        wall_seconds=summary.get("wall_seconds"),
    )


def read_summary(folder: Path) -> dict[str, Any]:
    """Returns what a run's `summary.json` says, nothing where it is missing."""
    return files.read_json_if_whole(folder / "summary.json")


def last_line(path: Path) -> str:
    """Returns the last line of a log that says something, empty where none does.

    Absl's hint at --help, its last line after a bad flag, says nothing, and neither
    does Reverb's farewell.
    """
    said = (line.strip() for line in reversed(files.last_lines(path, 20)))
    return next((x for x in said if x and not x.startswith(_SAYS_NOTHING)), "")


def comparable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what has to be the same in runs that are the same, by dotted path."""
    return {
        name: value for name, value in fields.flat(settings) if name not in _MAY_DIFFER
    }


def _position(summary: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    """Returns the updates or agent steps so far, by the run's own unit."""
    offline = "num_iterations" in config
    return int(summary.get("learner_steps" if offline else "agent_steps") or 0)


def _length(config: Mapping[str, Any]) -> int:
    if "num_iterations" in config:
        return int(config["num_iterations"]) * int(config["updates_per_iteration"])
    return int(config.get("max_agent_steps", 0))


def _differences(settings: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Returns how a nested config differs from settings that are named by paths."""
    there = dict(fields.flat(config))
    return [
        f"{name} is {there.get(name)!r}, not {wanted!r}"
        for name, wanted in comparable(settings).items()
        if there.get(name) != wanted
    ]
