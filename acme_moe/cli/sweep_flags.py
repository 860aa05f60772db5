"""The flags that `sweep` and `search` share: what is run, where, how many at once."""

from __future__ import annotations

from typing import Any, NamedTuple

from absl import flags


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


def define(whole: str, part: str) -> SweepFlags:
    """Defines the flags.

    Args:
      whole: what is run, for their help: "study".
      part: of it, whose runs differ in game and seed only: "arm".
    """
    return SweepFlags(
        scale=flags.DEFINE_enum(
            "scale",
            "smoke",
            ["smoke", "small", "paper"],
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
