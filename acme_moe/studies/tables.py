"""Tables of runs: how far they are, and what they cost."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

import tabulate

from acme_moe.studies import cost
from acme_moe.studies.planned_runs import PlannedRun
from acme_moe.studies.state import STATES, FolderState
from acme_moe.studies.sweep import Event


def state_table(runs: Sequence[PlannedRun], states: Mapping[str, FolderState]) -> str:
    """Returns a row per arm with its counts of states, then runs that have a reason.

    The states are those of the runs, by name.
    """
    by_arm: dict[str, list[str]] = {}
    for run in runs:
        by_arm.setdefault(run.arm, []).append(states[run.name].state)
    if len(by_arm) > 1:
        by_arm["all"] = [state.state for state in states.values()]
    rows = []
    for arm, of_arm in by_arm.items():
        counts = collections.Counter(of_arm)
        rows.append([arm, *(counts[state] for state in STATES)])
    lines = [tabulate.tabulate(rows, ("runs of", *STATES), tablefmt="plain")]
    for run in runs:
        state = states[run.name]
        if state.reason:
            lines.append(f"  {run.name}: {state.state}: {state.reason}")
    return "\n".join(lines)


def cost_table(
    runs: Sequence[PlannedRun],
    states: Mapping[str, FolderState],
    seconds_per_step: Mapping[str, float],
    source: str,
) -> str:
    """Returns a row a run with its state and steps, then the sums and the hours.

    Args:
      runs: the runs.
      states: states of the runs, by name.
      seconds_per_step: seconds by arm, of those that have been measured.
      source: says where those are from.
    """
    rows = [(run.name, states[run.name].state, *cost.steps(run)) for run in runs]
    table = tabulate.tabulate(
        rows,
        ("run", "state", "agent steps", "updates"),
        tablefmt="plain",
        intfmt=",",
    )
    agent_steps = sum(row[2] for row in rows)
    updates = sum(row[3] for row in rows)
    sums = f"{len(runs)} runs: {agent_steps:,} agent steps, {updates:,} updates"
    hours = cost.hours(runs, seconds_per_step)
    if not hours.num_known:
        time = (
            "hours: not known, since no run here has finished; --steps_per_second "
            "takes a measured speed"
        )
    else:
        time = (
            f"hours of one device, {source}: {hours.hours:,.1f} for "
            f"{hours.num_known} runs"
        )
        if hours.num_unknown:
            time += f", and {hours.num_unknown} runs of arms that were not measured"
    return "\n".join((table, sums, time))


def event_line(event: Event) -> str:
    """Returns an event of a sweep in words: `NAME failed after 3 s: why`."""
    line = f"{event.run.name} {event.what}"
    if event.seconds:
        line += f" after {duration(event.seconds)}"
    if event.reason:
        line += f": {event.reason}"
    return line


def duration(seconds: float) -> str:
    """Returns seconds in words of one or two units: `3 min`, `2 d 4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    if hours < 48:
        return f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"
