import math

import pytest

from acme_moe.environments import GAME_SETS, GAMES, SCORES, normalized_score


def test_every_game_of_every_suite_has_scores():
    for games in GAME_SETS.values():
        for game in games:
            assert math.isfinite(SCORES[game].normalize(0.0))


def test_the_usual_benchmark_and_five_more():
    sources = [score.source for score in SCORES.values()]
    assert sources.count("Wang et al. (2016)") == 57
    others = {game for game, s in SCORES.items() if s.source == "Kim et al. (2024)"}
    assert others == {
        "AirRaid",
        "Carnival",
        "ElevatorAction",
        "JourneyEscape",
        "Pooyan",
    }
    assert set(SCORES) <= set(GAMES)


@pytest.mark.parametrize(
    ("game", "random", "human"),
    [
        ("Pong", -20.7, 14.6),
        ("MsPacman", 307.3, 6951.6),
        ("Seaquest", 68.4, 42054.7),
        ("DoubleDunk", -18.6, -16.4),
        ("Skiing", -17098.1, -4336.9),
        ("JourneyEscape", -19977.0, 1129.3),
    ],
)
def test_values(game, random, human):
    assert SCORES[game][:2] == (random, human)
    assert SCORES[game].normalize(random) == 0
    assert SCORES[game].normalize(human) == 1


def test_people_play_better_than_chance():
    assert all(score.human > score.random for score in SCORES.values())


def test_normalising():
    assert normalized_score("atari", "Breakout", 59.3) == pytest.approx(2)
    assert normalized_score("atari", "Pong", 21.0) == pytest.approx(41.7 / 35.3)


def test_games_without_scores():
    assert normalized_score("atari", "Tetris", 10.0) is None
