"""Runs a study: those of its runs that are not finished.

    acme-moe sweep --study=figure_1 --scale=smoke --workdir=runs/figure_1

Each run has a folder of its own below --workdir. A sweep that was stopped is resumed by
the same command: finished runs are skipped, stopped ones resume, failed ones are tried
again. `acme-moe report` draws what came out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from acme_moe.cli import sweep_flags
from acme_moe.cli.console import fail, note, parse_flags, show

if TYPE_CHECKING:
    from acme_moe.studies.plan import Plan
    from acme_moe.studies.planned_runs import PlannedRun
    from acme_moe.studies.state import FolderState
    from acme_moe.studies.sweep import Event, Sweep


def main(argv: Sequence[str] | None = None) -> int:
    """Does what the flags say; returns the exit status."""
    _define_flags()
    parse_flags(argv, __doc__)
    given = flags.FLAGS

    from acme_moe.disk import DiskError
    from acme_moe.studies import tables
    from acme_moe.studies.derived import check_arms, check_config_files
    from acme_moe.studies.plan_file import check_plan, write_plan
    from acme_moe.studies.state import read_state

    workdir = Path(given.workdir).resolve()
    try:
        plan, runs = _plan(workdir)
    except ValueError as error:
        fail(error)
    try:
        check_plan(plan, workdir)
        states = {run.name: read_state(run, workdir) for run in runs}
    except (OSError, ValueError) as error:
        fail(error)
    if given.status:
        show(tables.state_table(runs, states))
        return 0
    wanted = {run.arm for run in runs}
    try:
        check_arms(arm for arm in plan.arms if arm.name in wanted)
        check_config_files(runs, states, workdir)
    except ValueError as error:
        fail(error)
    if given.dry_run:
        show(_cost_table(runs, states, given.steps_per_second))
        return 0
    try:
        write_plan(plan, workdir)
    except (DiskError, ValueError) as error:
        fail(error)
    if given.print_commands is None:
        return _train(runs, workdir)
    _print_commands(plan, runs, states, workdir)
    return 0


def _define_flags() -> None:
    flags.DEFINE_string(
        "study",
        None,
        "A study by its name, such as figure_1, gap or bottleneck, or a .py file with "
        "get_study.",
        required=True,
    )
    sweep_flags.define("study", "an arm")
    flags.DEFINE_list("arms", None, "Arms to run now, in place of all: dqn-soft_moe-8.")
    flags.DEFINE_bool("dry_run", False, "Lists the runs and what they cost.")
    flags.DEFINE_bool("status", False, "Says how far the runs are.")
    flags.DEFINE_float(
        "steps_per_second",
        None,
        "Measured speed for the hours of --dry_run: agent steps a second, or updates "
        "with fixed data. Without it, that of the finished runs in --workdir.",
        lower_bound=1e-9,
    )
    flags.DEFINE_enum(
        "print_commands",
        None,
        ["shell", "slurm"],
        "Prints what would run: a line a run, or the script of a SLURM array.",
    )


def _plan(workdir: Path) -> tuple[Plan, tuple[PlannedRun, ...]]:
    """Returns the plan that the flags ask for, and its runs.

    Raises:
      ValueError: if a flag has a value that is not accepted.
    """
    from acme_moe.studies.figures import load_study
    from acme_moe.studies.plan import make_plan
    from acme_moe.studies.planned_runs import expand
    from acme_moe.studies.scales import SCALES

    given = flags.FLAGS
    plan = make_plan(
        load_study(given.study),
        SCALES[given.scale],
        games=given.games,
        num_seeds=given.seeds,
    )
    return plan, expand(plan, workdir, given.data, given.arms)


def _cost_table(
    runs: Sequence[PlannedRun],
    states: Mapping[str, FolderState],
    steps_per_second: float | None,
) -> str:
    """Returns the table of --dry_run, at a speed given or that of finished runs."""
    from acme_moe.studies import cost, tables

    if steps_per_second:
        speeds: Mapping[str, float] = {run.arm: 1 / steps_per_second for run in runs}
        source = f"at {steps_per_second:g} steps/s"
    else:
        speeds = cost.seconds_per_step(runs, states, finished_only=True)
        source = "at the speed of the finished runs here"
    return tables.cost_table(runs, states, speeds, source)


def _print_commands(
    plan: Plan,
    runs: Sequence[PlannedRun],
    states: Mapping[str, FolderState],
    workdir: Path,
) -> None:
    """Prints the commands of the runs that can be started, as --print_commands says."""
    from acme_moe.studies import commands

    left = [run for run in runs if states[run.name].startable]
    unmet = [run.needs for run in left if run.needs and not states[run.needs].finished]
    if unmet:
        fail(
            f"data: is missing, and {unmet[0]} would have to be finished before others "
            "start; the path of the data, or a sweep without --print_commands"
        )
    if not left:
        print("nothing is left to start", file=sys.stderr)
    elif flags.FLAGS.print_commands == "slurm":
        script = commands.slurm_script(
            left,
            workdir,
            Path.cwd(),
            name=plan.study,
            at_once=flags.FLAGS.parallel,
        )
        show(script, end="")
    else:
        show("\n".join(commands.shell_line(run, workdir) for run in left))


def _train(runs: Sequence[PlannedRun], workdir: Path) -> int:
    """Trains what is not finished, and prints each start and end and the table.

    Returns:
      The program's exit status: 0 if all is finished.
    """
    from acme_moe.studies import tables

    failed: list[Event] = []

    def tell(event: Event) -> None:
        note(_line(sweep, event, runs))
        if event.what == "failed":
            failed.append(event)

    sweep = sweep_flags.make_sweep(runs, workdir, tell)
    started = time.monotonic()
    signum = sweep.run()
    states = sweep.states()
    print(f"\n{tables.state_table(runs, states)}")
    for event in failed:
        if states[event.run.name].state != "failed":
            print(f"  {event.run.name}: failed this time: {event.reason}")
    if signum is not None:
        took = tables.duration(time.monotonic() - started)
        print(f"stopped after {took}; the same command resumes", file=sys.stderr)
        return 128 + signum
    return int(not all(state.finished for state in states.values()))


def _line(sweep: Sweep, event: Event, runs: Sequence[PlannedRun]) -> str:
    """Returns what is printed of an event."""
    from acme_moe.studies import cost, tables

    states = sweep.states()
    done = sum(state.finished for state in states.values())
    speeds = cost.seconds_per_step(runs, states, finished_only=False)
    left = cost.seconds_left(sweep.to_do, speeds, states, runs, flags.FLAGS.parallel)
    line = f"[{done}/{len(states)}] {tables.event_line(event)}"
    if left:
        line += f"; about {tables.duration(left)} left"
    return line


if __name__ == "__main__":
    sys.exit(main())
