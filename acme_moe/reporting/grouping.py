"""Groups runs that repeat one another: those that share every setting.

Every setting counts, those of later versions included, except for game and seed and
those that are `WITHOUT_EFFECT`. So a setting that is missing from that list separates
runs that belong together, which a reader notices, and never pools runs that do not,
which nobody would.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence

from acme_moe import fields
from acme_moe.environments import resolve_game
from acme_moe.reporting.runs import Run, describe, layer_name
from acme_moe.studies.planned_runs import published_run
from acme_moe.studies.state import WITHOUT_EFFECT

Settings = dict[str, Hashable]
"""A run's settings by dotted name, without those that its version did not have."""

# Equal for equal settings only, whatever their order.
_Key = frozenset[tuple[str, Hashable]]

REPEATED = frozenset({"game", "seed"})
"""What differs between the runs of a line."""

ATARI_ADDED = ("environment.mode", "environment.difficulty")
"""Settings of Atari games whose None is what versions did that lacked them."""


def settings_of(run: Run) -> Settings:
    """Returns the settings that a run shares with every other run of its line."""
    everything = {**run.config, "distributed": run.distributed}
    settings = {
        name: value
        for name, value in fields.flat(everything)
        if name not in REPEATED and name not in WITHOUT_EFFECT
    }
    if run.suite == "atari":
        settings = {**dict.fromkeys(ATARI_ADDED), **settings}
    path = settings.get("dataset.path")
    if isinstance(path, str):
        settings["dataset.path"] = _of_any_game(path, run)
    return settings


def line_labels(runs: Mapping[str, Run]) -> dict[str, str]:
    """Groups runs into lines and names each line.

    Args:
      runs: the runs, by any names.

    Returns:
      The label of each run's line, by the run's name. Runs of an agent have the same
      label if and only if they have the same settings. It names the suite of games
      where they are of several, whose settings are not to be compared.
    """
    agents: dict[tuple[str, str], dict[_Key, list[str]]] = {}
    for name, run in runs.items():
        lines = agents.setdefault((run.summary["agent"], run.suite), {})
        lines.setdefault(_key(settings_of(run)), []).append(name)
    named: dict[str, str] = {}
    for (agent, suite), lines in agents.items():
        line_names = labels([settings_of(runs[names[0]]) for names in lines.values()])
        several = sum(agent == other for other, _ in agents) > 1
        where = _text("environment.name", suite) if several else ""
        for label, names in zip(line_names, lines.values(), strict=True):
            label = ", ".join(part for part in (label, where) if part)
            named.update(dict.fromkeys(names, label or describe(runs[names[0]])))
    return named


def outliers(runs: Mapping[str, Settings]) -> Iterator[tuple[str, str]]:
    """Finds the runs whose settings are not those of most others, and says why.

    A plan names only some of the settings of an arm; the others may have changed
    between two of its runs, with the version of a config or by hand.

    Args:
      runs: settings by any names.

    Yields:
      Name and reason.
    """
    ((most, _),) = Counter(map(_key, runs.values())).most_common(1)
    usual = next(settings for settings in runs.values() if _key(settings) == most)
    for name, settings in runs.items():
        if _key(settings) != most:
            own, others = labels([settings, usual])
            own, others = own or "nothing", others or "nothing"
            yield name, f"other settings than its arm's: {own} for {others}"


def labels(lines: Sequence[Settings]) -> list[str]:
    """Names lines by the settings in which they differ.

    Args:
      lines: settings, no two alike.

    Returns:
      A label for each, no two alike, as `Soft MoE, num_experts=4`. It is empty for a
      line that has none of the settings that differ, and for a line alone.
    """
    layers = [_layer(line) for line in lines]
    names = dict.fromkeys(name for line in lines for name in line)
    differing = [
        name
        for name in names
        if len({(name in x, x.get(name)) for x in lines if not _in_layer(name, x)}) > 1
    ]
    differing.sort(key=lambda name: not name.startswith("network."))
    labelled = []
    for line, layer in zip(lines, layers, strict=True):
        told = [
            name for name in differing if name in line and not _in_layer(name, line)
        ]
        # The layer first: most comparisons are about it.
        label = [layer] if layer and len(set(layers)) > 1 else []
        labelled.append(
            ", ".join([*label, *(_text(name, line[name]) for name in told)])
        )
    return labelled


def _layer(line: Settings) -> str:
    """Names a line's penultimate layer; empty where nothing tells it."""
    if "network.moe" not in line:
        return ""
    moe, dense = line["network.moe"], line.get("network.dense")
    name = layer_name(moe, dense, flat="Baseline")
    what = "network.dense" if moe == "none" else "network.moe"
    return name or _text(what, line[what])


def _in_layer(name: str, line: Settings) -> bool:
    """Returns whether a setting is told by the name of a line's layer."""
    if name == "network.dense":
        return line.get("network.moe") == "none" and _layer(line) != "Baseline"
    return name == "network.moe"


def _key(settings: Settings) -> _Key:
    return frozenset(settings.items())


def _text(name: str, value: Hashable) -> str:
    # As JSON, where the number 1 and the text "1" differ.
    short = name.removeprefix("network.")
    if name != "environment.name":
        short = short.removeprefix("environment.")
    return f"{short}={json.dumps(value, default=dict)}"


def _of_any_game(path: str, run: Run) -> str:
    """Replaces the game in the path of a dataset, and the number of a published run.

    A dataset is one game's. Of the published ones, `.../Pong/1/replay_logs`, each seed
    takes a run of its own.
    """
    parts = path.split("/")
    for i, part in enumerate(parts):
        if _is_game(part, run.summary["game"]):
            parts[i] = "GAME"
            if parts[i + 1 : i + 2] == [str(published_run(run.summary["seed"]))]:
                parts[i + 1] = "RUN"
    return "/".join(parts)


def _is_game(text: str, game: str) -> bool:
    if text == game:
        return True
    try:
        return resolve_game(text) == game
    except ValueError:
        return False
