"""Environments as `dm_env`: Atari 2600 games and other suites, games and scores.

Importing this package loads no emulator: names, suites, scores and settings serve
programs that only check a config or read results. `AtariEnvironment` imports ale-py
and OpenCV when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.environments.atari_suite import AtariConfig
from acme_moe.environments.games import GAME_SETS, GAMES, resolve_game, rom_id
from acme_moe.environments.scores import SCORES, Score
from acme_moe.environments.suite import (
    ENVIRONMENTS,
    EnvironmentConfig,
    Suite,
    UnplayableError,
    find_suite,
    normalized_score,
)

if TYPE_CHECKING:
    from acme_moe.environments.atari import AtariEnvironment

__all__ = [
    "ENVIRONMENTS",
    "GAMES",
    "GAME_SETS",
    "SCORES",
    "AtariConfig",
    "AtariEnvironment",
    "EnvironmentConfig",
    "Score",
    "Suite",
    "UnplayableError",
    "find_suite",
    "normalized_score",
    "resolve_game",
    "rom_id",
]


__getattr__ = lazy.attributes(
    __name__, {"AtariEnvironment": "acme_moe.environments.atari"}
)
