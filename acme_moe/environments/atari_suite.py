"""The suite of Atari 2600 games; imports no emulator before a game is made."""

from __future__ import annotations

import dataclasses

from acme_moe import lazy
from acme_moe.environments.config import AtariConfig
from acme_moe.environments.games import GAMES, resolve_game
from acme_moe.environments.scores import SCORES
from acme_moe.environments.suite import Suite


@dataclasses.dataclass(frozen=True, kw_only=True)
class AtariSuite(Suite):
    """Suite whose games are too many for a message to list."""

    def resolve_game(self, name: str) -> str:
        """Returns a game's name as used here; see `games.resolve_game`."""
        return resolve_game(name)


SUITE = AtariSuite(
    config_class=AtariConfig,
    make=lazy.function("acme_moe.environments.atari", "AtariEnvironment"),
    default_game="Pong",
    games=GAMES,
    scores=SCORES,
    parallel=True,
)
