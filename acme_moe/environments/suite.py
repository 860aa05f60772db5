"""What a run needs to know of the environments that it plays, by suite.

A suite is named in a config by `environment.name`: one that is registered here, or the
import path of a `Suite`, or of a function (or class) that makes environments:

    @dataclasses.dataclass(frozen=True)
    class CorridorConfig(EnvironmentConfig):
        length: int = 5

    def corridor(game: str, seed: int, config: CorridorConfig) -> dm_env.Environment:
        ...

with `--config.environment.name=my_package.my_module:corridor` and its settings as
`--config.environment.length=7`. `acme-moe check my_package.my_module:corridor` checks
whether it does what a run expects of it.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any

from acme_moe import validation
from acme_moe.environments.games import resolve_game
from acme_moe.environments.scores import Score
from acme_moe.registry import Registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnvironmentConfig:
    """Settings of an environment; a suite's settings are a subclass with more fields.

    Attributes:
      name: name of the suite: a registered name or an import path.
    """

    name: str


class UnplayableError(ValueError):
    """An environment cannot be made, or cannot do what is asked of it."""


# (game, seed, config) -> environment, with the signature of `Suite.make`.
MakeEnvironment = Callable[[str, int, Any], Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """Environments that share their settings.

    Attributes:
      config_class: class of the settings, a frozen dataclass with a field `name`; all
        fields but that one have defaults.
      make: `(game, seed, config) -> dm_env.Environment`. The actions are a
        `dm_env.specs.DiscreteArray`. An environment may also have `render`, which
        returns a picture `uint8 [height, width, 3]`, `action_names`, and `game_over`,
        which is False where an episode ended and the game goes on in the next.
      games: names of all games; None where any text may be the name of one.
      default_game: game of a run whose config names none.
      scores: scores that returns are normalised by, for the games that have any.
      parallel: whether a step takes so long, some 0.1 ms, that the environments of a
        run are faster in several processes.
    """

    config_class: type
    make: MakeEnvironment
    default_game: str
    games: tuple[str, ...] | None = None
    scores: Mapping[str, Score] = dataclasses.field(default_factory=dict)
    parallel: bool = False

    def resolve_game(self, name: str) -> str:
        """Returns a game's name as used here, with case and separators corrected.

        Raises:
          ValueError: if there is no such game; suggests close ones.
        """
        if self.games is None:
            if not name:
                raise validation.not_accepted("game", name, "the name of a game")
            return name
        return resolve_game(name, self.games)


ENVIRONMENTS: Registry[Suite] = Registry(
    "environment.name",
    {
        name: f"acme_moe.environments.{name}_suite:SUITE"
        for name in ("atari", "bsuite", "gymnasium", "minatar")
    },
)
"""The suites of the library; others are found by import path."""


@functools.cache
def find_suite(name: str) -> Suite:
    """Returns the suite of a name or an import path.

    Raises:
      ValueError: if it cannot be found or is no suite; says what would be accepted.
    """
    found = ENVIRONMENTS.get(name)
    if isinstance(found, Suite):
        return found
    if callable(found):
        return _suite_of(name, found)
    raise validation.not_accepted(
        "environment.name",
        name,
        f"a Suite or a function (game, seed, config), which {found!r} is not",
    )


def _suite_of(name: str, make: MakeEnvironment) -> Suite:
    """Makes a suite of a function; its third parameter's annotation is its settings."""
    try:
        bound = inspect.signature(make).bind("game", 0, None)
        # A class's own hints are of its attributes.
        hints = typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)
        *_, parameter = bound.arguments
        hint = hints.get(parameter, EnvironmentConfig)
    except (NameError, TypeError) as error:
        raise validation.not_accepted(
            "environment.name", name, f"a function (game, seed, config) ({error})"
        ) from error
    names = (
        {field.name for field in dataclasses.fields(hint)} if _is_class(hint) else ()
    )
    if "name" not in names:
        raise validation.not_accepted(
            "environment.name",
            name,
            f"a function whose parameter {parameter} is annotated with a dataclass "
            "that has a field name, such as one derived from EnvironmentConfig, not "
            f"{hint!r}",
        )
    _, _, attribute = name.rpartition(":")
    return Suite(
        config_class=hint, make=make, default_game=attribute.rpartition(".")[2]
    )


def _is_class(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def normalized_score(suite: str, game: str, episode_return: float) -> float | None:
    """Scales a return so that random play is 0 and the suite's reference 1.

    Args:
      suite: its name or import path.
      game: its name as `Suite.resolve_game` returns it.
      episode_return: return of a whole game, rewards not clipped.

    Returns:
      The score; None where there is no reference for the game, or it is no number.
    """
    reference = find_suite(suite).scores.get(game)
    score = math.nan if reference is None else reference.normalize(episode_return)
    return None if math.isnan(score) else score
