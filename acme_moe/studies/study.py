"""A study: arms that differ in settings, on games, with seeds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from acme_moe import fields, validation
from acme_moe.environments import find_suite

FORMS = ("scaling", "curves", "wall_time", "games")


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyAgent:
    """An agent as a run's config sets it up.

    Attributes:
      name: its name in folders, `der_50m`.
      label: its name in figures, `DER`.
      config: a preset of `acme_moe.runs.config`, or the path of a `.py` file.
      offline: whether it learns from fixed data.
      environment: the suite that its config plays.
    """

    name: str
    label: str
    config: str
    offline: bool = False
    environment: str = "atari"

    @property
    def command(self) -> str:
        """The command of `acme_moe.cli` that trains it."""
        return "train_offline" if self.offline else "train"


# (agent, all other settings of a run) -> more settings
Derive = Callable[[StudyAgent, Mapping[str, Any]], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """Runs that share everything but game and seed: one point or curve of a figure.

    Attributes:
      panel: panel of the figure that it stands in, `DQN`.
      series: the line that it belongs to, `Soft MoE`; gives its colour.
      agent: what is trained.
      settings: fields of the config that it sets, `{"network.moe": "soft"}`; a mapping
        sets those that it names, `{"network": {"moe": "soft"}}`.
      derive: gives settings that depend on all others, those of the scale included,
        such as a width; see `acme_moe.studies.derived`.
      x: where it stands on the axis of a study in form `scaling`.
      tag: tells arms of several panels of a study apart that have the same agent,
        series and x.
      games: its own, in place of the study's.
    """

    panel: str
    series: str
    agent: StudyAgent
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    derive: Derive | None = None
    x: float | None = None
    tag: str = ""
    games: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Its folder: `dqn-soft_moe-8`."""
        x = "" if self.x is None else f"{self.x:g}"
        parts = (self.agent.name, self.tag, self.series, x)
        return "-".join(_slug(part) for part in parts if part)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """A question, and the runs that answer it.

    An arm's settings win over those of a scale (see `acme_moe.studies.scales`), and
    these over the study's.

    Attributes:
      name: `figure_1`.
      title: what is asked.
      arms: what is compared. Arms in two panels with one name are the same runs.
      games: games of every arm that has none of its own.
      form: form of the figure: `scaling` is final scores over `Arm.x`, `curves` scores
        over frames or updates, `wall_time` over hours, `games` a curve a game.
      x_label: label of the axis of `scaling`.
      num_seeds: runs of an arm on a game, with seeds from 0.
      settings: settings of all arms, `{"max_agent_steps": 12_500_000}`.

    Raises:
      ValueError: names the field with a bad value, and what is accepted.
    """

    name: str
    title: str
    arms: tuple[Arm, ...]
    games: tuple[str, ...]
    form: str = "curves"
    x_label: str = ""
    num_seeds: int = 5
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.one_of("form", self.form, FORMS)
        validation.at_least("num_seeds", self.num_seeds, 1)
        validation.at_least("arms", len(self.arms), 1)
        if not self.games:
            wanted = "a tuple of at least one game"
            raise validation.not_accepted("games", self.games, wanted)
        seen: dict[str, Arm] = {}
        places: dict[tuple[str, str, float | None], Arm] = {}
        for arm in self.arms:
            validation.check_types(arm)
            _check_chosen_by_study({**self.settings, **arm.settings})
            if (arm.x is None) == (self.form == "scaling"):
                wanted = "a number" if arm.x is None else "None"
                raise ValueError(
                    f"x: {arm.x!r} of {arm.name} is not accepted; {wanted} in a study "
                    f"of form {self.form!r}"
                )
            self.games_of(arm)
            other = seen.setdefault(arm.name, arm)
            if _runs(other) != _runs(arm):
                raise validation.not_accepted(
                    "tag",
                    arm.tag,
                    f"one that tells {arm.name} in {arm.panel!r} from {other.name} in "
                    f"{other.panel!r}, whose settings are others",
                )
            there = places.setdefault((arm.panel, arm.series, arm.x), arm)
            if there is not arm:
                raise validation.not_accepted(
                    "series",
                    arm.series,
                    f"one that tells {arm.name} from {there.name} in {arm.panel!r}",
                )

    def suite_of(self, arm: Arm) -> str:
        """Returns the suite that an arm plays."""
        return suite_of(arm.agent, fields.merged(self.settings, arm.settings))

    def games_of(self, arm: Arm) -> tuple[str, ...]:
        """Returns the games of an arm, by the names that they have in its suite.

        Raises:
          ValueError: if its suite has no such game; names the suite.
        """
        name = self.suite_of(arm)
        suite = find_suite(name)
        try:
            return tuple(suite.resolve_game(game) for game in arm.games or self.games)
        except ValueError as error:
            raise ValueError(
                f"{error}; arm {arm.name} plays {name!r} (agent.environment, or "
                "environment.name of its settings)"
            ) from None


def _check_chosen_by_study(settings: Mapping[str, Any]) -> None:
    """Refuses settings that every run has from its study."""
    for name, field in (("game", "games"), ("seed", "num_seeds")):
        if name in settings:
            raise validation.not_accepted(
                f"settings.{name}", settings[name], f"the study's {field} in its place"
            )


def _runs(arm: Arm) -> tuple[Any, ...]:
    """Returns what decides an arm's runs."""
    return arm.agent, fields.merged(arm.settings), arm.derive


def suite_of(agent: StudyAgent, settings: Mapping[str, Any]) -> str:
    """Returns the suite that an agent plays.

    Args:
      agent: the agent, whose config names one.
      settings: settings of its arm by dotted path, which may name another.
    """
    return settings.get("environment.name", agent.environment)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "_", text.lower()).strip("_")
