import pytest
from ale_py import roms

from acme_moe.environments import GAME_SETS, GAMES, AtariConfig, resolve_game, rom_id


def test_every_game_has_a_rom_and_every_rom_of_one_player_is_a_game():
    multiplayer = {"combat", "joust", "maze_craze", "warlords"}
    assert {rom_id(game) for game in GAMES} == set(roms.get_all_rom_ids()) - multiplayer


def test_suites_have_the_size_of_their_name_and_roms():
    for name, games in GAME_SETS.items():
        assert len(games) == len(set(games)) == int(name.split("_")[1])
        assert list(games) == sorted(games)
        for game in games:
            assert resolve_game(game) == game
            assert roms.get_rom_path(rom_id(game)).exists()


def test_the_largest_suite_holds_the_others():
    for games in GAME_SETS.values():
        assert set(games) <= set(GAME_SETS["atari_60"])


@pytest.mark.parametrize(
    ("name", "game"),
    [
        ("Pong", "Pong"),
        ("pong", "Pong"),
        ("MsPacman", "MsPacman"),
        ("ms_pacman", "MsPacman"),
        ("ms-pacman", "MsPacman"),
        ("MS PACMAN", "MsPacman"),
        ("up_n_down", "UpNDown"),
        ("UpNDown", "UpNDown"),
        ("Pitfall2", "Pitfall2"),
    ],
)
def test_names(name, game):
    assert resolve_game(name) == game


def test_roms():
    assert rom_id("MsPacman") == "ms_pacman"
    assert rom_id("UpNDown") == "up_n_down"
    assert rom_id("JamesBond") == "jamesbond"


@pytest.mark.parametrize("name", ["Pongg", "PONGG"])
def test_close_names_are_listed(name):
    with pytest.raises(ValueError, match=rf"^game: '{name}' is not known.*\bPong\b"):
        resolve_game(name)


@pytest.mark.parametrize(
    "gym_id",
    ["ALE/MsPacman-v5", "MsPacman-v0", "MsPacmanNoFrameskip-v4"],
)
def test_the_game_of_a_gym_id_is_suggested(gym_id):
    with pytest.raises(ValueError, match=r"is not known; did you mean MsPacman"):
        resolve_game(gym_id)


def test_names_far_from_all_say_where_the_list_is():
    with pytest.raises(ValueError, match=r"^game: 'xxxx' is not known.*GAMES"):
        resolve_game("xxxx")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"sticky_action_probability": 1.5},
            r"^sticky_action_probability: 1.5 is not accepted; 0 to 1$",
        ),
        (
            {"sticky_action_probability": float("nan")},
            "^sticky_action_probability: nan",
        ),
        ({"sticky_action_probability": "often"}, "^sticky_action_probability: 'often'"),
        ({"terminal_on_life_loss": 1}, "^terminal_on_life_loss: 1.*bool"),
        ({"max_episode_steps": 0}, "^max_episode_steps: 0.*at least 1"),
        ({"max_noop_starts": -1}, "^max_noop_starts: -1.*at least 0"),
        ({"frame_skip": 0}, "^frame_skip: 0.*at least 1"),
        ({"frame_skip": 2.5}, "^frame_skip: 2.5.*int"),
        ({"frame_stack": -1}, "^frame_stack: -1.*at least 1"),
        ({"screen_size": 0}, "^screen_size: 0.*at least 1"),
        ({"full_action_space": "yes"}, "^full_action_space: 'yes'.*bool"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AtariConfig(**settings)
