"""Plans: the arms of a study at a scale, with their games and seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from acme_moe import fields, validation
from acme_moe.environments import find_suite
from acme_moe.studies.scales import Scale
from acme_moe.studies.study import Arm, Study, StudyAgent, suite_of


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
    agent: StudyAgent
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
      ValueError: if an arm is left without a game, or there are no seeds.
    """
    if num_seeds is None:
        num_seeds = min(study.num_seeds, scale.num_seeds or study.num_seeds)
    validation.at_least("num_seeds", num_seeds, 1)
    shared = fields.merged(study.settings)
    arms = []
    for arm in study.arms:
        suite = study.suite_of(arm)
        scaled = {
            **(scale.offline if arm.agent.offline else scale.online),
            **{k: v for k, v in scale.if_set.items() if k in shared},
        }
        settings = fields.merged(shared, _supported_by(suite, scaled), arm.settings)
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
                seeds=tuple(range(num_seeds)),
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
    derived = arm.derive(arm.agent, {**settings, "game": game})
    return fields.merged(settings, derived)


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
    known = environment_defaults(suite)
    return {
        name: value
        for name, value in settings.items()
        if name in known or not name.startswith("environment.")
    }


def environment_defaults(suite: str) -> dict[str, Any]:
    """Returns the default of each field of a suite's environments, by its path."""
    config_class = find_suite(suite).config_class
    return {
        f"environment.{x.name}": x.default for x in dataclasses.fields(config_class)
    }
