"""What a sweep prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from acme_moe.studies import cost
from acme_moe.studies.plan import Cell
from acme_moe.studies.state import STATES, CellState


def state_table(cells: Sequence[Cell], states: Mapping[str, CellState]) -> str:
    """A row an arm with its counts of states, then what failed or stopped, and why.

    Args:
      cells: the runs.
      states: of the runs, by name.
    """
    by_arm: dict[str, list[CellState]] = {}
    for cell in cells:
        by_arm.setdefault(cell.arm, []).append(states[cell.name])
    rows: list[tuple[str, ...]] = [("runs of", *STATES)]
    for arm, of_arm in by_arm.items():
        rows.append((arm, *_counts(of_arm)))
    if len(by_arm) > 1:
        rows.append(("all", *_counts(list(states.values()))))
    lines = [_align(rows)]
    for cell in cells:
        state = states[cell.name]
        if state.reason:
            lines.append(f"  {cell.name}: {state.state}: {state.reason}")
    return "\n".join(lines)


def cost_table(
    cells: Sequence[Cell],
    states: Mapping[str, CellState],
    root: Path,
    seconds_per_step: Mapping[str, float],
    source: str,
) -> str:
    """A row a cell with its state and steps, then the sums and the hours.

    Args:
      cells: the runs.
      states: of the runs, by name.
      root: the repository.
      seconds_per_step: of the arms that have been measured.
      source: says where those are from.
    """
    rows = [("run", "state", "agent steps", "updates")]
    all_steps = [cost.steps(cell, root) for cell in cells]
    for cell, steps in zip(cells, all_steps, strict=True):
        rows.append(
            (
                cell.name,
                states[cell.name].state,
                f"{steps.agent_steps:,}",
                f"{steps.updates:,}",
            )
        )
    agent_steps = sum(steps.agent_steps for steps in all_steps)
    updates = sum(steps.updates for steps in all_steps)
    lines = [
        _align(rows),
        f"{len(cells)} runs: {agent_steps:,} agent steps, {updates:,} updates",
    ]
    hours = cost.hours(cells, root, seconds_per_step)
    if not hours.num_known:
        lines.append(
            "hours: not known, since no run here has finished; --steps_per_second "
            "takes a measured speed"
        )
    else:
        missing = (
            f", and {hours.num_unknown} runs of arms that were not measured"
            if hours.num_unknown
            else ""
        )
        lines.append(
            f"hours of one device, {source}: {hours.hours:,.1f} for "
            f"{hours.num_known} runs{missing}"
        )
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds in words of one or two units: `3 min`, `2 d 4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    if hours < 48:
        return f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"


def _counts(states: Sequence[CellState]) -> tuple[str, ...]:
    return tuple(str(sum(state.state == name for state in states)) for name in STATES)


def _align(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
