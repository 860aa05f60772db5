"""Names of the Atari games, and the sets of them that the experiments run on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence


def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


# ROMs that ale-py carries and its single-player interface can play. Combat, Joust,
# Maze Craze and Warlords are left out: it refuses to load them.
_ROM_IDS = _split("""
    adventure air_raid alien amidar assault asterix asteroids atlantis atlantis2
    backgammon bank_heist basic_math battle_zone beam_rider berzerk blackjack bowling
    boxing breakout carnival casino centipede chopper_command crazy_climber crossbow
    darkchambers defender demon_attack donkey_kong double_dunk earthworld
    elevator_action enduro entombed et fishing_derby flag_capture freeway frogger
    frostbite galaxian gopher gravitar hangman haunted_house hero human_cannonball
    ice_hockey jamesbond journey_escape kaboom kangaroo keystone_kapers king_kong klax
    koolaid krull kung_fu_master laser_gates lost_luggage mario_bros miniature_golf
    montezuma_revenge mr_do ms_pacman name_this_game othello pacman phoenix pitfall
    pitfall2 pong pooyan private_eye qbert riverraid road_runner robotank seaquest
    sir_lancelot skiing solaris space_invaders space_war star_gunner superman surround
    tennis tetris tic_tac_toe_3d time_pilot trondead turmoil tutankham up_n_down venture
    video_checkers video_chess video_cube video_pinball wizard_of_wor word_zapper
    yars_revenge zaxxon
""")


def _camel_case(rom: str) -> str:
    return "".join(word.capitalize() for word in rom.split("_"))


_GYM_ID = re.compile(r"^(?:\w+/)?(\w+?)(?:NoFrameskip|Deterministic)?-v\d+$")

_ROMS = {_camel_case(rom): rom for rom in _ROM_IDS}

GAMES: tuple[str, ...] = tuple(_ROMS)
"""Every game that can be played, by the name used throughout: `MsPacman`."""

_ATARI_20 = _split("""
    AirRaid Asterix Asteroids Bowling Breakout DemonAttack Freeway Gravitar Jamesbond
    MontezumaRevenge MsPacman Pong PrivateEye Qbert Seaquest SpaceInvaders Venture
    WizardOfWor YarsRevenge Zaxxon
""")

_ATARI_26 = _split("""
    Alien Amidar Assault Asterix BankHeist BattleZone Boxing Breakout ChopperCommand
    CrazyClimber DemonAttack Freeway Frostbite Gopher Hero Jamesbond Kangaroo Krull
    KungFuMaster MsPacman Pong PrivateEye Qbert RoadRunner Seaquest UpNDown
""")

_ATARI_60 = tuple(
    sorted(
        _ATARI_26
        + _split("""
            AirRaid Asteroids Atlantis BeamRider Berzerk Bowling Carnival Centipede
            DoubleDunk ElevatorAction Enduro FishingDerby Gravitar IceHockey
            JourneyEscape MontezumaRevenge NameThisGame Phoenix Pitfall Pooyan Riverraid
            Robotank Skiing Solaris SpaceInvaders StarGunner Tennis TimePilot Tutankham
            Venture VideoPinball WizardOfWor YarsRevenge Zaxxon
        """)
    )
)

_OFFLINE_17 = _split("""
    Asterix BeamRider Breakout DemonAttack DoubleDunk Enduro IceHockey Jamesbond
    MsPacman Pong Qbert RoadRunner Seaquest SpaceInvaders WizardOfWor YarsRevenge Zaxxon
""")

GAME_SETS: dict[str, tuple[str, ...]] = {
    "atari_20": _ATARI_20,
    "atari_26": _ATARI_26,
    "atari_60": _ATARI_60,
    "offline_17": _OFFLINE_17,
}
"""The paper's sets of games, each in alphabetical order.

`atari_20` (Fedus et al., 2020) is what most experiments run on, `atari_26` (Kaiser et
al., 2020) the Atari-100k benchmark, `atari_60` the largest set of appendix A, and
`offline_17` the games of the offline experiments (Kumar et al., 2021).
"""


def name_key(name: str) -> str:
    """Returns a key that names share if only their case and separators differ."""
    key = name.casefold()
    for separator in "_- ":
        key = key.replace(separator, "")
    return key


def resolve_game(name: str, games: Sequence[str] = GAMES) -> str:
    """Returns a game's name as used here.

    Args:
      name: the game's name in any case, with words joined or separated by `_`, `-` or
        spaces: `MsPacman`, `ms_pacman`, `ms-pacman`.
      games: names of all games; those of Atari where left out.

    Returns:
      Its entry of `games`: `MsPacman`.

    Raises:
      ValueError: if no game has that name; suggests close ones.
    """
    key = name_key(name)
    by_key = {name_key(game): game for game in games}
    if key in by_key:
        return by_key[key]
    # A Gym id names a version of the environment, which suites set otherwise.
    key = name_key(_GYM_ID.sub(r"\1", name))
    close = [by_key[k] for k in difflib.get_close_matches(key, by_key, cutoff=0.6)]
    hints = [f"did you mean {', '.join(close)}?"] if close else []
    if games != GAMES:
        hints.insert(0, f"accepted: {', '.join(games)}")
    elif not close:
        hints = ["`acme_moe.environments.GAMES` lists all games"]
    raise ValueError(f"game: {name!r} is not known; {'; '.join(hints)}")


def rom_id(game: str) -> str:
    """Returns the name of a game's ROM in ale-py, such as `ms_pacman`.

    Raises:
      ValueError: if no game has that name.
    """
    return _ROMS[resolve_game(game)]
