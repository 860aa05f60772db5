"""The flags that `sweep` and `search` share: what is run, where, how many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from acme_moe.studies.scales import SCALES

if TYPE_CHECKING:
    from acme_moe.studies.planned_runs import PlannedRun
    from acme_moe.studies.sweep import Event, Sweep


def define(whole: str, part: str) -> None:
    """Defines the flags.

    Args:
      whole: what is run, for the flags' help, such as "study".
      part: the part whose runs differ only in game and seed, such as "an arm".
    """
    flags.DEFINE_enum(
        "scale",
        "smoke",
        list(SCALES),
        "smoke: one game and tiny networks, minutes; small: four games, two seeds, "
        "100,000 agent steps; paper: all of it.",
    )
    flags.DEFINE_string("workdir", None, f"Folder of the {whole}.", required=True)
    flags.DEFINE_integer("parallel", 1, "Runs at once.", lower_bound=1)
    flags.DEFINE_bool(
        "split_cpus", True, "Gives each of several runs at once its share of the CPUs."
    )
    flags.DEFINE_list("games", None, "Games in place of the scale's.")
    flags.DEFINE_integer(
        "seeds",
        None,
        f"Runs of {part} on a game, in place of the scale's.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "data",
        None,
        "Where the DQN Replay Dataset is, or a path with {game} and {run}; for "
        "offline runs. Without it, smoke and small record some data first.",
    )


def make_sweep(
    runs: Sequence[PlannedRun],
    workdir: Path,
    on_event: Callable[[Event], None],
    **options: Any,
) -> Sweep:
    """Makes the sweep that the flags ask for; its runs are forks of `Preloaded`.

    Args:
      runs: see `Sweep`, as for the other arguments.
      workdir: the folder of all runs, resolved.
      on_event: is told of each start and end.
      **options: other arguments of `Sweep`.
    """
    from acme_moe.studies import commands
    from acme_moe.studies.preloaded import Preloaded
    from acme_moe.studies.sweep import Sweep

    return Sweep(
        runs,
        workdir,
        make_command=lambda run: commands.command(run, workdir),
        on_event=on_event,
        parallel=flags.FLAGS.parallel,
        split_cpus=flags.FLAGS.split_cpus,
        start=Preloaded().start,
        **options,
    )
