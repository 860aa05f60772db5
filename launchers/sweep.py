r"""Runs a study: every run of a figure, those that are not finished.

    python launchers/sweep.py --study=figure_1 --scale=smoke --workdir=runs/figure_1

Each run has a folder of its own below --workdir. A sweep that was stopped goes on with
the same command: finished runs are skipped, stopped ones go on, failed ones are tried
again. `launchers/report.py` draws what came out.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import console
from absl import app, flags
from console import fail

if TYPE_CHECKING:
    from acme_moe.studies.plan import Cell
    from acme_moe.studies.state import CellState

ROOT = Path(__file__).resolve().parent.parent

_STUDY = flags.DEFINE_string(
    "study", None, "A study of configs/studies, or a .py file.", required=True
)
_SCALE = flags.DEFINE_enum(
    "scale",
    "smoke",
    ["smoke", "small", "paper"],
    "smoke: one game and tiny networks, minutes; small: four games, two seeds, "
    "100,000 agent steps; paper: all of it.",
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the study.", required=True)
_PARALLEL = flags.DEFINE_integer("parallel", 1, "Runs at once.", lower_bound=1)
_SPLIT_CPUS = flags.DEFINE_bool(
    "split_cpus", True, "Gives each of several runs at once its share of the CPUs."
)
_GAMES = flags.DEFINE_list("games", None, "Games in place of the scale's.")
_SEEDS = flags.DEFINE_integer(
    "seeds", None, "Runs of an arm on a game, in place of the scale's.", lower_bound=1
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Where the DQN Replay Dataset is, or a path with {game} and {run}; for offline "
    "runs. Without it, smoke and small record some data first.",
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Lists the runs and what they cost.")
_STATUS = flags.DEFINE_bool("status", False, "Says how far the runs are.")
_STEPS_PER_SECOND = flags.DEFINE_float(
    "steps_per_second",
    None,
    "Measured speed for the hours of --dry_run: agent steps a second, or updates with "
    "fixed data. Without it, that of the finished runs in --workdir.",
    lower_bound=1e-9,
)
_PRINT_COMMANDS = flags.DEFINE_enum(
    "print_commands",
    None,
    ["shell", "slurm"],
    "Prints what would run: a line a run, or the script of a SLURM array.",
)


def main(argv: list[str]) -> int:
    """Does what the flags say."""
    if len(argv) > 1:
        fail(f"{argv[1]!r} is not a flag")

    console.be_quiet()
    from acme_moe.studies import commands, tables
    from acme_moe.studies.console import Console
    from acme_moe.studies.load import load_study
    from acme_moe.studies.plan import expand, make_plan, write_plan
    from acme_moe.studies.scales import SCALES
    from acme_moe.studies.state import read_state

    workdir = Path(_WORKDIR.value).resolve()
    try:
        study = load_study(_STUDY.value, ROOT)
        plan = make_plan(
            study, SCALES[_SCALE.value], games=_GAMES.value, num_seeds=_SEEDS.value
        )
        cells = expand(plan, workdir, _DATA.value)
    except ValueError as error:
        fail(str(error))
    states = {cell.name: read_state(cell, workdir) for cell in cells}

    if _STATUS.value:
        print(tables.state_table(cells, states))
        return 0
    if _DRY_RUN.value:
        print(tables.cost_table(cells, states, ROOT, *_speeds(cells, states)))
        return 0
    try:
        write_plan(plan, workdir)
    except ValueError as error:
        fail(str(error))
    if _PRINT_COMMANDS.value is None:
        return Console(
            cells=cells,
            workdir=workdir,
            root=ROOT,
            parallel=_PARALLEL.value,
            split_cpus=_SPLIT_CPUS.value,
        ).run()

    left = [c for c in cells if states[c.name].state not in ("finished", "running")]
    unmet = [c.needs for c in left if c.needs and states[c.needs].state != "finished"]
    if unmet:
        fail(
            f"data: is missing, and {unmet[0]} would have to be finished before others "
            "start; the path of the data, or a sweep without --print_commands"
        )
    if _PRINT_COMMANDS.value == "slurm":
        print(
            commands.slurm_script(
                left,
                workdir,
                ROOT,
                sys.executable,
                name=plan.study,
                at_once=_PARALLEL.value,
            ),
            end="",
        )
    else:
        for cell in left:
            print(commands.shell_line(cell, workdir, ROOT, sys.executable))
    return 0


def _speeds(
    cells: "Sequence[Cell]", states: "Mapping[str, CellState]"
) -> tuple[dict[str, float], str]:
    """Seconds a step of each arm that has been measured, and where that is from."""
    from acme_moe.studies import cost

    speed = _STEPS_PER_SECOND.value
    if speed:
        return {cell.arm: 1 / speed for cell in cells}, f"at {speed:g} steps/s"
    measured = cost.seconds_per_step(cells, states, finished_only=True)
    return measured, "at the speed of the finished runs here"


if __name__ == "__main__":
    app.run(main)
