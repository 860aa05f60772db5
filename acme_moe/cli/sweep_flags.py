"""The flags that `sweep` and `search` share: what is run, where, how many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from acme_moe.studies.scales import SCALES

if TYPE_CHECKING:
    from acme_moe.studies.plan import PlannedRun
    from acme_moe.studies.sweep import Event, Sweep


class SweepFlags(NamedTuple):
    """The flags; each has its `value` once they are parsed.

    Attributes:
      scale: a name of `acme_moe.studies.scales.SCALES`.
      workdir: the folder of all runs.
      parallel: how many run at once.
      split_cpus: whether each of these has its share of the CPUs.
      games: in place of the scale's, or None.
      seeds: how many in place of the scale's, or None.
      data: where fixed data are, or None.
    """

    scale: flags.FlagHolder[Any]
    workdir: flags.FlagHolder[Any]
    parallel: flags.FlagHolder[Any]
    split_cpus: flags.FlagHolder[Any]
    games: flags.FlagHolder[Any]
    seeds: flags.FlagHolder[Any]
    data: flags.FlagHolder[Any]

    def make_sweep(
        self,
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
            parallel=self.parallel.value,
            split_cpus=self.split_cpus.value,
            start=Preloaded().start,
            **options,
        )


def define(whole: str, part: str) -> SweepFlags:
    """Defines the flags.

    Args:
      whole: what is run, for the flags' help, such as "study".
      part: the part whose runs differ only in game and seed, such as "an arm".
    """
    return SweepFlags(
        scale=flags.DEFINE_enum(
            "scale",
            "smoke",
            list(SCALES),
            "smoke: one game and tiny networks, minutes; small: four games, two seeds, "
            "100,000 agent steps; paper: all of it.",
        ),
        workdir=flags.DEFINE_string(
            "workdir", None, f"Folder of the {whole}.", required=True
        ),
        parallel=flags.DEFINE_integer("parallel", 1, "Runs at once.", lower_bound=1),
        split_cpus=flags.DEFINE_bool(
            "split_cpus",
            True,
            "Gives each of several runs at once its share of the CPUs.",
        ),
        games=flags.DEFINE_list("games", None, "Games in place of the scale's."),
        seeds=flags.DEFINE_integer(
            "seeds",
            None,
            f"Runs of {part} on a game, in place of the scale's.",
            lower_bound=1,
        ),
        data=flags.DEFINE_string(
            "data",
            None,
            "Where the DQN Replay Dataset is, or a path with {game} and {run}; for "
            "offline runs. Without it, smoke and small record some data first.",
        ),
    )
