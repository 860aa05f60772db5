"""Which runs are repeats of one another: those that share every setting.

All settings count, those of later versions included, but for the ones named here. So
a setting that is forgotten here parts runs that belong together, which a reader sees,
and never pools runs that do not, which nobody would.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from acme_moe.environments import resolve_game
from acme_moe.reporting.runs import Run
from acme_moe.studies.plan import published_run

Settings = dict[str, Hashable]
"""A run's settings by dotted name; one that its version did not have is not there."""

REPEATED = frozenset({"game", "seed"})
"""What tells the runs of a line from each other."""

IGNORED = frozenset(
    {
        # When and what is written to disk.
        "checkpoint_every_minutes",
        "checkpoints_kept",
        "log_every_seconds",
        "record",
        # Threads, memory, and a check of what is there.
        "dataset.workers",
        "dataset.num_files",
        "diagnostics.gradient_megabytes",
        # After how many deaths a node is given up.
        "distributed.quick_failures",
        "distributed.quick_seconds",
    }
)
"""What changes neither the training nor what is measured of it."""

_LAYERS = {"none": "Baseline", "soft": "Soft MoE", "top1": "Top1-MoE"}


def settings_of(run: Run) -> Settings:
    """The settings that a run shares with every other run of its line."""
    everything = {**run.config, "distributed": run.distributed}
    settings = {
        name: value
        for name, value in _flat(everything)
        if name not in REPEATED and name not in IGNORED
    }
    path = settings.get("dataset.path")
    if isinstance(path, str):
        settings["dataset.path"] = _of_any_game(path, run)
    return settings


def labels(lines: Sequence[Settings]) -> list[str]:
    """Names lines that are compared with each other by the settings that differ.

    Args:
      lines: different settings.

    Returns:
      A label for each, no two alike: `Soft MoE, num_experts=4`. It is empty for a line
      that has none of the settings that differ, as a single one.
    """
    names = dict.fromkeys(name for line in lines for name in line)
    differing = [
        name
        for name in names
        if len({(name in line, line.get(name)) for line in lines}) > 1
    ]
    # The layer first, as it is what most comparisons are about.
    differing.sort(key=lambda n: (n != "network.moe", not n.startswith("network.")))
    return [
        ", ".join(_text(name, line[name]) for name in differing if name in line)
        for line in lines
    ]


def _text(name: str, value: Hashable) -> str:
    if name == "network.moe" and value in _LAYERS:
        return _LAYERS[str(value)]
    # As JSON, in which a number is unlike its text.
    short = name.removeprefix("network.").removeprefix("environment.")
    return f"{short}={json.dumps(value)}"


def _flat(
    settings: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Hashable]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", tuple(value) if isinstance(value, list) else value


def _of_any_game(path: str, run: Run) -> str:
    """A set's place, without the game and what a seed's own number makes of it.

    A set is one game's, and of the published ones, `.../Pong/1/replay_logs`, each seed
    takes another run.
    """
    parts = path.split("/")
    for i, part in enumerate(parts):
        if _is_game(part, run.summary["game"]):
            parts[i] = "GAME"
            if parts[i + 1 : i + 2] == [str(published_run(run.summary["seed"]))]:
                parts[i + 1] = "RUN"
    return "/".join(parts)


def _is_game(text: str, game: str) -> bool:
    try:
        return resolve_game(text) == game
    except ValueError:
        return False
