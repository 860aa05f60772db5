"""The runs of a plan, and those that record the data for its offline runs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acme_moe import validation
from acme_moe.studies import catalogue
from acme_moe.studies.plan import Plan, PlannedArm, environment_defaults

_DATA = "data"
# Where the published DQN Replay Dataset keeps a game and run, below its root.
_DATA_LAYOUT = "{game}/{run}/replay_logs"
_PUBLISHED_RUNS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a study.

    Attributes:
      name: its folder below the study's: `dqn-soft_moe-8/Asterix/0`.
      arm: name of its arm, the first part of `name`.
      command: the command of `acme_moe.cli` that trains it.
      config: a preset, or the path of a config file.
      settings: fields of it that are set, game and seed included.
      needs: the run that has to be finished first.
    """

    name: str
    arm: str
    command: str
    config: str
    settings: Mapping[str, Any]
    needs: str | None = None


def expand(
    plan: Plan,
    workdir: Path,
    data: str | None = None,
    arms: Sequence[str] | None = None,
) -> tuple[PlannedRun, ...]:
    """Returns the runs of a plan, each once.

    They are ordered by seed and then by game, so that a plan that is cut short still
    has whole comparisons. Runs that record data, if there are any, come first.

    Args:
      plan: what is to be run.
      workdir: the study's folder; recorded data go below it.
      data: where the fixed data are: a folder or address with the layout of the
        published DQN Replay Dataset, or a path with `{game}` and `{run}`, which is
        `published_run` of the seed. None: small runs of DQN record some in the arms'
        environment, if the scale allows that.
      arms: names of the arms whose runs are returned, with those that record their
        data; None for all.

    Raises:
      ValueError: if the plan lacks one of `arms`; if there are offline runs, and
        neither data nor a way to record any; names the setting if the environments of
        the plan's offline arms are the reason.
    """
    names = [arm.name for arm in plan.arms]
    for name in arms or ():
        validation.one_of("arms", name, names)
    chosen = [arm for arm in plan.arms if arms is None or arm.name in arms]
    # Of all arms, chosen or not: those of a study share what is recorded of a game.
    needs_recorders = data is None and any(arm.agent.offline for arm in chosen)
    recorders = _recorders(plan, workdir) if needs_recorders else {}
    by_turn: dict[tuple[int, str], dict[str, PlannedRun]] = {}
    for arm in chosen:
        for seed, game in itertools.product(arm.seeds, arm.games):
            recorder = recorders.get(game) if arm.agent.offline else None
            run = _planned(arm, game, seed, recorder, data)
            by_turn.setdefault((seed, game), {})[run.name] = run
    turns = sorted(by_turn, key=lambda turn: turn[0])
    runs = [run for turn in turns for run in by_turn[turn].values()]
    needed = {run.needs for run in runs}
    return (*(x for x in recorders.values() if x.name in needed), *runs)


def _planned(
    arm: PlannedArm, game: str, seed: int, recorder: PlannedRun | None, data: str | None
) -> PlannedRun:
    """Returns a run of an arm; fixed data are those of a recorder, or in `data`."""
    settings = {**arm.settings, "game": game, "seed": seed}
    if recorder is not None:
        settings["dataset.path"] = recorder.settings["record"]
    elif arm.agent.offline and data is not None:
        settings["dataset.path"] = _data_path(data, game, seed)
    return PlannedRun(
        name=f"{arm.name}/{game}/{seed}",
        arm=arm.name,
        command=arm.agent.command,
        config=arm.agent.config,
        settings=settings,
        needs=None if recorder is None else recorder.name,
    )


def _recorders(plan: Plan, workdir: Path) -> dict[str, PlannedRun]:
    """Returns the runs that record the data of offline arms, by game."""
    recorders: dict[str, PlannedRun] = {}
    learners: dict[str, PlannedArm] = {}
    for arm in plan.arms:
        for game in arm.games if arm.agent.offline else ():
            if game not in recorders:
                learners[game] = arm
                recorders[game] = _recorder(plan, workdir, arm, game)
            _check_shares(game, learners[game], arm)
    return recorders


def _check_shares(game: str, first: PlannedArm, arm: PlannedArm) -> None:
    """Refuses an arm whose environment is not that of the first on recorded data."""
    theirs, own = _environment(first), _environment(arm)
    for name in {**theirs, **own}:
        if theirs.get(name) != own.get(name):
            raise validation.not_accepted(
                name,
                own.get(name),
                f"{theirs.get(name)!r}, since {arm.name} learns from what is recorded "
                f"of {game} for {first.name}; or data for both",
            )


def _environment(arm: PlannedArm) -> dict[str, Any]:
    """Returns the settings of an arm's environment, with the defaults of its suite."""
    return {**environment_defaults(arm.suite), **_own_environment(arm)}


def _own_environment(arm: PlannedArm) -> dict[str, Any]:
    return {
        name: value
        for name, value in arm.settings.items()
        if name.startswith("environment.")
    }


def _recorder(plan: Plan, workdir: Path, arm: PlannedArm, game: str) -> PlannedRun:
    """Returns the run of DQN that records a game, in the environment of an arm."""
    if plan.recording is None:
        raise ValueError(
            f"data: is missing, and scale {plan.scale!r} records none; the root of the "
            f"DQN Replay Dataset, or a path with {{game}} and {{run}} in it"
        )
    agent = catalogue.DQN
    if arm.suite != agent.environment:
        raise validation.not_accepted(
            "environment.name",
            arm.suite,
            f"{agent.environment!r}, which is all that {agent.config} records, since "
            f"{arm.name} has no data; or data",
        )
    name = f"{_DATA}/{game}/0"
    record = str(workdir / name / "set")
    return PlannedRun(
        name=name,
        arm=_DATA,
        command=agent.command,
        config=agent.config,
        settings={
            **plan.recording,
            **_own_environment(arm),
            "game": game,
            "seed": 0,
            "record": record,
        },
    )


def _data_path(data: str, game: str, seed: int) -> str:
    template = data if "{game}" in data else f"{data.rstrip('/')}/{_DATA_LAYOUT}"
    return template.replace("{game}", game).replace("{run}", str(published_run(seed)))


def published_run(seed: int) -> int:
    """Returns the number, from 1, of the published run of a game that a seed takes."""
    return seed % _PUBLISHED_RUNS + 1
