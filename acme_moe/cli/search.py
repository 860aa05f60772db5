"""Searches for settings of an agent, with Optuna: a trial's runs are those of a sweep.

    acme-moe search --search=mine.py --scale=small --workdir=runs/search

The file has a `get_search`, which returns an `acme_moe.studies.search.Search`. A search
that was stopped is resumed by the same command: trials that have ended are kept, the
others resume; with more --trials it goes on.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from acme_moe.cli import sweep_flags
from acme_moe.cli.console import fail, note, parse_flags

if TYPE_CHECKING:
    from acme_moe.studies.planned_runs import PlannedRun
    from acme_moe.studies.search import Search
    from acme_moe.studies.sweep import Event


def main(argv: Sequence[str] | None = None) -> int:
    """Does what the flags say; returns the exit status."""
    flags.DEFINE_string("search", None, "A .py file with get_search.", required=True)
    sweep_flags.define("search", "a trial")
    flags.DEFINE_integer(
        "trials", 20, "Trials in all, those of earlier times included.", lower_bound=1
    )
    parse_flags(argv, __doc__)

    from acme_moe.disk import DiskError
    from acme_moe.folder_lock import FolderInUseError, FolderLock
    from acme_moe.studies.scales import SCALES
    from acme_moe.studies.search import load_search

    given = flags.FLAGS
    workdir = Path(given.workdir).resolve()
    try:
        search = load_search(given.search)
        chosen = {
            "scale": SCALES[given.scale],
            "games": given.games,
            "num_seeds": given.seeds,
            "data": given.data,
        }
        first = search.runs(0, {}, workdir=workdir, **chosen)
        with FolderLock(workdir, field="workdir"):
            return _search(search, workdir, first, chosen)
    except (DiskError, FolderInUseError, ValueError) as error:
        fail(error)


def _search(
    search: Search,
    workdir: Path,
    tried: Sequence[PlannedRun],
    chosen: dict[str, Any],
) -> int:
    """Runs the trials, and prints each start and end, the best, and their command.

    This process holds the folder of the search. `tried` are the runs of a trial and
    `chosen` the arguments of `Search.runs` that all trials share.

    Returns:
      The program's exit status: 0 if every trial has ended.

    Raises:
      ValueError: if the folder or the settings of a trial are not accepted.
    """
    try:
        from acme_moe.studies import trials as trials_lib
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        fail("search: needs the package optuna; pip install optuna")
    from acme_moe.studies import commands, tables

    asked = {
        "name": search.name,
        "config": search.agent.config,
        "scale": flags.FLAGS.scale,
        "runs": [run.name for run in tried],
        "settings": tried[-1].settings,
    }
    num_trials = flags.FLAGS.trials
    study = trials_lib.open_study(search, workdir, asked)
    trials = trials_lib.Trials(
        study,
        search,
        lambda number, settings: search.runs(
            number, settings, workdir=workdir, **chosen
        ),
        workdir,
        num_trials=num_trials,
    )

    def tell(event: Event) -> None:
        note(f"[{trials.num_told}/{num_trials}] {tables.event_line(event)}")

    sweep = sweep_flags.make_sweep((), workdir, tell, more=trials.more)
    signum = sweep.run()
    trials.tell((), stopped=signum is not None)

    print(f"\n{trials_lib.table(study)}")
    best = trials_lib.best_settings(study)
    if best is not None:
        run = search.best_run(best, tried)
        command = shlex.join(commands.command(run, workdir))
        print(
            f"\nTo train with the best settings, here on {run.settings['game']} and "
            f"with a seed that had no part in the choice:\n  {command}"
        )
    if signum is not None:
        print("stopped; the same command resumes", file=sys.stderr)
        return 128 + signum
    if trials.error is not None:
        raise trials.error
    return int(not trials.all_told)


if __name__ == "__main__":
    sys.exit(main())
