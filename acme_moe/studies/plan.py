"""Plans: the runs that a study asks for at a scale."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acme_moe import validation
from acme_moe.environments import find_suite
from acme_moe.studies import catalogue
from acme_moe.studies.scales import Scale
from acme_moe.studies.study import Agent, Arm, Study, by_path, suite_of

_DATA = "data"
# Where the published DQN Replay Dataset keeps a game and run, below its root.
_DATA_LAYOUT = "{game}/{run}/replay_logs"
_PUBLISHED_RUNS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm at a scale.

    Attributes:
      name: its folder.
      panel: see `acme_moe.studies.study.Arm`, as are `series` and `x`.
      series: the line that it belongs to.
      x: where it stands on the axis.
      agent: what is trained.
      settings: all that are set over the agent's config, except game, seed and data.
      games: the games that it is run on.
      seeds: the seeds that it is run with.
    """

    name: str
    panel: str
    series: str
    x: float | None
    agent: Agent
    settings: Mapping[str, Any]
    games: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def suite(self) -> str:
        """The suite that the games are of."""
        return suite_of(self.agent, self.settings)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A study at a scale.

    Attributes:
      study: its name.
      title: what is asked.
      scale: its name.
      form: form of the figure.
      x_label: label of the axis of form `scaling`.
      arms: what is compared.
      recording: settings of the runs that record data for offline runs, if no data
        are given.
    """

    study: str
    title: str
    scale: str
    form: str
    x_label: str
    arms: tuple[PlannedArm, ...]
    recording: Mapping[str, Any] | None = None


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


def make_plan(
    study: Study,
    scale: Scale,
    *,
    games: Sequence[str] | None = None,
    num_seeds: int | None = None,
) -> Plan:
    """Returns the plan of a study at a scale.

    Args:
      study: what is asked.
      scale: how large it is run.
      games: used in place of the scale's; each arm takes those of them that it has.
        Without them, an arm that has none of the scale's games takes as many of its
        own, from the first on.
      num_seeds: runs on a game, in place of those of study and scale.

    Raises:
      ValueError: if an arm is left without a game.
    """
    seeds = num_seeds or min(study.num_seeds, scale.num_seeds or study.num_seeds)
    validation.at_least("num_seeds", seeds, 1)
    shared = by_path(study.settings)
    arms = []
    for arm in study.arms:
        suite = study.suite_of(arm)
        scaled = {
            **(scale.offline if arm.agent.offline else scale.online),
            **{k: v for k, v in scale.if_set.items() if k in shared},
        }
        settings = {
            **shared,
            **_supported_by(suite, scaled),
            **by_path(arm.settings),
        }
        chosen = _choose_games(study, arm, scale, games)
        arms.append(
            PlannedArm(
                name=arm.name,
                panel=arm.panel,
                series=arm.series,
                x=arm.x,
                agent=arm.agent,
                # Whatever games are run now or later, an arm is the same.
                settings=_derived(arm, settings, study.games_of(arm)[0]),
                games=chosen,
                seeds=tuple(range(seeds)),
            )
        )
    recording = None if scale.recording is None else {**scale.online, **scale.recording}
    return Plan(
        study=study.name,
        title=study.title,
        scale=scale.name,
        form=study.form,
        x_label=study.x_label,
        arms=tuple(arms),
        recording=recording,
    )


def _derived(arm: Arm, settings: dict[str, Any], game: str) -> dict[str, Any]:
    """Returns an arm's settings with those that it derives, for one of its games."""
    if arm.derive is None:
        return settings
    return {**settings, **arm.derive(arm.agent, {**settings, "game": game})}


def _choose_games(
    study: Study, arm: Arm, scale: Scale, asked: Sequence[str] | None
) -> tuple[str, ...]:
    """Returns which of an arm's games are run; see `make_plan`."""
    of_arm = study.games_of(arm)
    if asked is None:
        if scale.games is None:
            return of_arm
        kept = tuple(game for game in of_arm if game in scale.games)
        return kept or of_arm[: len(scale.games)]
    suite = find_suite(study.suite_of(arm))
    chosen = [suite.resolve_game(game) for game in asked]
    kept = tuple(game for game in of_arm if game in chosen)
    if not kept:
        raise ValueError(
            f"games: {', '.join(chosen)} is not accepted; at least one of those of "
            f"{arm.name}: {', '.join(of_arm)}"
        )
    return kept


def _supported_by(suite: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a scale's settings, less environment fields that the suite lacks."""
    known = _environment_defaults(suite)
    return {
        name: value
        for name, value in settings.items()
        if name in known or not name.startswith("environment.")
    }


def _environment_defaults(suite: str) -> dict[str, Any]:
    """Returns the default of each field of a suite's environments, by its path."""
    config_class = find_suite(suite).config_class
    return {
        f"environment.{x.name}": x.default for x in dataclasses.fields(config_class)
    }


def expand(
    plan: Plan, workdir: Path, data: str | None = None
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

    Raises:
      ValueError: if there are offline runs, and neither data nor a way to record any;
        names the setting if their environments are the reason.
    """
    by_turn: dict[tuple[int, str], dict[str, PlannedRun]] = {}
    recorders = _recorders(plan, workdir) if data is None else {}
    for arm in plan.arms:
        for seed, game in itertools.product(arm.seeds, arm.games):
            recorder = recorders.get(game) if arm.agent.offline else None
            run = _planned(arm, game, seed, recorder, data)
            by_turn.setdefault((seed, game), {})[run.name] = run
    turns = sorted(by_turn, key=lambda turn: turn[0])
    runs = [run for turn in turns for run in by_turn[turn].values()]
    return (*recorders.values(), *runs)


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


def select_arms(
    runs: Sequence[PlannedRun], arms: Sequence[str]
) -> tuple[PlannedRun, ...]:
    """Returns the runs of some arms, with those that record their data.

    Args:
      runs: runs of a plan, as `expand` returns them.
      arms: names of arms.

    Raises:
      ValueError: if an arm is not one of the runs'; lists those there are.
    """
    for name in arms:
        validation.one_of("arms", name, dict.fromkeys(run.arm for run in runs))
    needed = {run.needs for run in runs if run.arm in arms}
    return tuple(run for run in runs if run.arm in arms or run.name in needed)


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
    return {**_environment_defaults(arm.suite), **_own_environment(arm)}


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
