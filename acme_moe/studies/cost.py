"""The cost of runs: in steps by their settings, in hours by measured runs only."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from acme_moe.options import Options
from acme_moe.studies.planned_runs import PlannedRun
from acme_moe.studies.state import FolderState

# Settings that do not affect a run's length.
_WITHOUT_EFFECT_ON_LENGTH = {"game", "seed", "dataset.path", "record"}


class Steps(NamedTuple):
    """The length of a run.

    Attributes:
      agent_steps: number of agent steps; 0 with fixed data.
      updates: number of updates.
    """

    agent_steps: int
    updates: int

    @property
    def length(self) -> int:
        """In the run's own unit: agent steps, or updates where there are none."""
        return self.agent_steps or self.updates


class Hours(NamedTuple):
    """The time of runs, as far as it has been measured.

    Attributes:
      hours: hours of the runs whose speed is known.
      num_known: how many those are.
      num_unknown: how many others there are.
    """

    hours: float
    num_known: int
    num_unknown: int


def steps(run: PlannedRun) -> Steps:
    """Returns how many steps and updates a run takes."""
    return _steps(
        run.config,
        Options(
            {
                k: v
                for k, v in run.settings.items()
                if k not in _WITHOUT_EFFECT_ON_LENGTH
            }
        ),
    )


@functools.cache
def _steps(config: str, settings: Options) -> Steps:
    # Imported here: they load JAX, and a sweep that only shows its state does without.
    from acme_moe.runs.spec import OnlineRunSpec
    from acme_moe.studies.derived import run_spec

    spec = run_spec(config, settings)
    if not isinstance(spec, OnlineRunSpec):
        return Steps(0, spec.length)
    learning = max(0, spec.length - spec.agent.min_replay_size)
    return Steps(spec.length, int(learning * spec.agent.exact_replay_ratio))


def seconds_per_step(
    runs: Iterable[PlannedRun],
    states: Mapping[str, FolderState],
    *,
    finished_only: bool,
) -> dict[str, float]:
    """Returns the mean seconds per step of each arm that was measured, by its name.

    A step is an agent step, or an update of a run on fixed data; the time is that of
    the whole run, evaluations included.

    Args:
      runs: runs of the study.
      states: states of the runs, by name.
      finished_only: whether to leave out the runs that are under way.
    """
    measured: dict[str, list[float]] = {}
    for run in runs:
        state = states[run.name]
        if finished_only and not state.finished:
            continue
        if state.position and state.wall_seconds:
            measured.setdefault(run.arm, []).append(state.wall_seconds / state.position)
    return {arm: statistics.fmean(values) for arm, values in measured.items()}


def hours(runs: Iterable[PlannedRun], seconds_per_step: Mapping[str, float]) -> Hours:
    """Returns the time that runs take from start to end.

    Args:
      runs: the runs.
      seconds_per_step: seconds by arm, of those that have been measured.
    """
    total, known, unknown = 0.0, 0, 0
    for run in runs:
        speed = seconds_per_step.get(run.arm)
        if speed is None:
            unknown += 1
        else:
            known += 1
            total += steps(run).length * speed / 3600
    return Hours(total, known, unknown)


def seconds_left(
    to_do: Iterable[PlannedRun],
    seconds_per_step: Mapping[str, float],
    states: Mapping[str, FolderState],
    runs: Iterable[PlannedRun],
    parallel: int,
) -> float | None:
    """Estimates the time until some runs are finished.

    An arm that has not been measured is taken to be as fast as the measured ones are on
    average, of those whose length is in the same unit.

    Args:
      to_do: the runs.
      seconds_per_step: seconds by arm, of those that have been measured.
      states: states of the runs, by name.
      runs: all runs, those that were measured among them.
      parallel: how many run at once.

    Returns:
      Seconds; None if a run has no measured arm to go by.
    """
    arms = {run.arm: run for run in runs}
    by_unit: dict[bool, list[float]] = {}
    for arm, speed in seconds_per_step.items():
        by_unit.setdefault(_acts(arms[arm]), []).append(speed)
    total = 0.0
    for run in to_do:
        alike = by_unit.get(_acts(run))
        if alike is None:
            return None
        left = max(0, steps(run).length - states[run.name].position)
        total += left * seconds_per_step.get(run.arm, statistics.fmean(alike))
    return total / parallel


def _acts(run: PlannedRun) -> bool:
    return steps(run).agent_steps > 0
