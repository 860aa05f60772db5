"""What runs cost: in steps, by their settings, and in hours, by measured runs only."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from acme_moe.studies.load import load_config
from acme_moe.studies.plan import Cell
from acme_moe.studies.state import CellState


class Steps(NamedTuple):
    """What a run takes.

    Attributes:
      agent_steps: in the game; 0 with fixed data.
      updates: of the network.
    """

    agent_steps: int
    updates: int

    @property
    def length(self) -> int:
        """In the run's own unit: agent steps, or updates where there are none."""
        return self.agent_steps or self.updates


class Hours(NamedTuple):
    """What runs take, as far as it has been measured.

    Attributes:
      hours: of the runs whose speed is known.
      num_known: how many those are.
      num_unknown: how many others there are.
    """

    hours: float
    num_known: int
    num_unknown: int


def steps(cell: Cell, root: Path) -> Steps:
    """What a run takes.

    Args:
      cell: the run.
      root: the repository, for the defaults of its config file.
    """
    fields = {**load_config(root / cell.config), **cell.settings}
    if "num_iterations" in fields:
        return Steps(0, fields["num_iterations"] * fields["updates_per_iteration"])
    length = fields["max_agent_steps"]
    learning = max(0, length - fields["min_replay_size"])
    return Steps(length, int(learning * fields["replay_ratio"]))


def seconds_per_step(
    cells: Iterable[Cell], states: Mapping[str, CellState], *, finished_only: bool
) -> dict[str, float]:
    """The measured mean of each arm, by its name.

    Args:
      cells: the runs.
      states: of the runs, by name.
      finished_only: leaves out the runs that are on their way.
    """
    measured: dict[str, list[float]] = {}
    for cell in cells:
        state = states[cell.name]
        if finished_only and state.state != "finished":
            continue
        if state.position and state.wall_seconds:
            measured.setdefault(cell.arm, []).append(
                state.wall_seconds / state.position
            )
    return {arm: statistics.fmean(values) for arm, values in measured.items()}


def hours(
    cells: Iterable[Cell], root: Path, seconds_per_step: Mapping[str, float]
) -> Hours:
    """What runs take from start to end.

    Args:
      cells: the runs.
      root: the repository.
      seconds_per_step: of the arms that have been measured.
    """
    total, known, unknown = 0.0, 0, 0
    for cell in cells:
        speed = seconds_per_step.get(cell.arm)
        if speed is None:
            unknown += 1
        else:
            known += 1
            total += steps(cell, root).length * speed / 3600
    return Hours(total, known, unknown)


def seconds_left(
    to_do: Iterable[Cell],
    seconds_per_step: Mapping[str, float],
    states: Mapping[str, CellState],
    cells: Iterable[Cell],
    root: Path,
    parallel: int,
) -> float | None:
    """An estimate of the time until some runs are finished.

    An arm that has not been measured is taken to be as fast as the others are on
    average whose length is in the same unit.

    Args:
      to_do: the runs.
      seconds_per_step: of the arms that have been measured.
      states: of the runs, by name.
      cells: all runs, those that were measured among them.
      root: the repository.
      parallel: how many run at once.

    Returns:
      Seconds; None as long as nothing has been measured that tells.
    """
    arms = {cell.arm: cell for cell in cells}
    by_unit: dict[bool, list[float]] = {}
    for arm, speed in seconds_per_step.items():
        by_unit.setdefault(_acts(arms[arm], root), []).append(speed)
    total = 0.0
    for cell in to_do:
        alike = by_unit.get(_acts(cell, root))
        if alike is None:
            return None
        left = max(0, steps(cell, root).length - states[cell.name].position)
        total += left * seconds_per_step.get(cell.arm, statistics.fmean(alike))
    return total / parallel


def _acts(cell: Cell, root: Path) -> bool:
    return steps(cell, root).agent_steps > 0
