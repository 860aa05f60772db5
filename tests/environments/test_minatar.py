"""MinAtar's games: what they are, and that they go as the original's go."""

import hashlib

import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils as dm_env_tests

from acme_moe.environments import find_suite
from acme_moe.environments.minatar.environment import MinAtarEnvironment
from acme_moe.environments.minatar.seaquest import Seaquest, _Swimmer
from acme_moe.environments.minatar_suite import GAMES, MinAtarConfig

CHANNELS = {
    "Asterix": 4,
    "Breakout": 4,
    "Freeway": 7,
    "Seaquest": 10,
    "SpaceInvaders": 6,
}
# Of a game that went on for 4,000 steps, the same in the authors' MinAtar 1.0.15 with
# the same draws: return, games that ended, and a digest of all that was seen.
ORIGINAL = {
    "Asterix": (38.0, 52, "b70de49b2fdbc40d"),
    "Breakout": (145.0, 421, "4a51573b202615e0"),
    "Freeway": (0.0, 1, "d8777ebf2a907453"),
    "Seaquest": (6.0, 73, "0b42739e4e135d8e"),
    "SpaceInvaders": (109.0, 77, "b83c54cc32ecaefd"),
}


class TestBreakout(dm_env_tests.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return MinAtarEnvironment("Breakout")


class Draws:
    """The original's draws, `numpy.random.RandomState`, as a `Generator`'s."""

    def __init__(self, seed):
        self._state = np.random.RandomState(seed)

    def random(self, *size):
        return self._state.rand(*size)

    def integers(self, *arguments):
        return self._state.randint(*arguments)


def played(game, steps=4_000):
    """Return, ends and digest of a play whose actions are drawn and held a while."""
    environment = MinAtarEnvironment(game, 0, MinAtarConfig())
    environment._rng = environment._game._rng = Draws(0)
    actions, action = np.random.RandomState(1), 0
    seen = hashlib.sha256()

    def see(timestep):
        seen.update(np.packbits(timestep.observation > 0).tobytes())

    see(environment.reset())
    total, ends = 0.0, 0
    for _ in range(steps):
        if actions.rand() < 0.4:
            action = actions.randint(6)
        timestep = environment.step(action)
        see(timestep)
        total += float(timestep.reward)
        if timestep.last():
            ends += 1
            see(environment.reset())
    return total, ends, seen.hexdigest()[:16]


@pytest.mark.parametrize("game", GAMES)
def test_it_goes_as_the_original(game):
    assert played(game) == ORIGINAL[game]


# The submarine is at (5, 5) and does nothing. What there is, the reward, and what of
# some channels (row, column, channel) is there after a step of the authors' 1.0.15.
SEAQUEST = {
    "one that is shot when it is due to shoot": (
        {"_bullets": [(6, 2, True)], "_subs": [(8, 2, False, 0, 0)]},
        1,
        {(2, 6, 4)},
    ),
    "two divers and one place": (
        {"_divers": [(5, 5, True, 3), (5, 5, False, 3)], "_saved": 5},
        0,
        {(5, 4, 3), (5, 5, 9)},
    ),
    "two subs and one bullet": (
        {
            "_bullets": [(4, 2, True)],
            "_subs": [(4, 2, True, 0, 5), (6, 2, False, 0, 5)],
        },
        1,
        {(2, 4, 3), (2, 5, 6)},
    ),
    "two fish and one bullet": (
        {"_bullets": [(4, 2, True)], "_fish": [(4, 2, True, 0), (6, 2, False, 0)]},
        1,
        {(2, 4, 3), (2, 5, 5)},
    ),
    "two bullets and one fish that waits": (
        {
            "_bullets": [(4, 2, True), (6, 2, False)],
            "_fish": [(5, 2, True, 9), (5, 2, False, 9)],
        },
        2,
        set(),
    ),
}


@pytest.mark.parametrize("case", SEAQUEST)
def test_seaquest_settles_a_tie_as_the_original(case):
    changes, reward, seen = SEAQUEST[case]
    game = Seaquest(np.random.default_rng(0), ramping=True)
    game.start()
    game._x, game._y, game._at_surface = 5, 5, False
    for name, value in changes.items():
        swimmers = [_Swimmer(*x) for x in value] if isinstance(value, list) else value
        setattr(game, name, swimmers)
    assert game.act(0) == (reward, False)
    assert {place for place in game.places() if place[2] in (2, 3, 4, 5, 6, 9)} == seen


@pytest.mark.parametrize("game", GAMES)
def test_what_an_agent_sees_and_does(game):
    suite = find_suite("minatar")
    environment = suite.make(game, 0, MinAtarConfig())
    spec = environment.observation_spec()
    assert spec.shape == (10, 10, CHANNELS[game])
    assert spec.dtype == np.uint8
    assert environment.action_spec().num_values == len(environment.action_names) == 6
    assert len(environment.channel_names) == CHANNELS[game]
    first = environment.reset().observation
    assert set(np.unique(first)) == {0, 255}
    assert environment.render().shape == (10, 10, 3)
    minimal = suite.make(game, 0, MinAtarConfig(full_action_space=False))
    assert (
        minimal.action_spec().num_values
        == {
            "Asterix": 5,
            "Breakout": 3,
            "Freeway": 3,
            "Seaquest": 6,
            "SpaceInvaders": 4,
        }[game]
    )


def test_games_of_a_seed_are_the_same_and_of_others_not():
    def observations(seed):
        environment = MinAtarEnvironment("Freeway", seed)
        steps = [environment.reset(), *(environment.step(2) for _ in range(20))]
        return b"".join(step.observation.tobytes() for step in steps)

    assert observations(1) == observations(1) != observations(2)


@pytest.mark.parametrize("probability", [0.0, 0.1])
def test_sticky_actions(probability):
    """The cannon moves left, then is told to move right once in a game."""
    config = MinAtarConfig(sticky_action_probability=probability)
    environment = MinAtarEnvironment("SpaceInvaders", 0, config)
    stuck = 0
    for _ in range(2_000):
        environment.reset()
        environment._last_action = 1
        after = environment.step(3).observation[9, :, 0].argmax()
        stuck += after == 4
    assert stuck / 2_000 == pytest.approx(probability, abs=0.02)
    assert stuck > 0 or not probability


def test_a_long_game_is_truncated():
    environment = MinAtarEnvironment("Freeway", 0, MinAtarConfig(max_episode_steps=7))
    environment.reset()
    steps = [environment.step(0) for _ in range(7)]
    assert [step.last() for step in steps] == [False] * 6 + [True]
    assert steps[-1].discount == 1


def test_freeway_lasts_as_long_as_published():
    environment = MinAtarEnvironment("Freeway")
    timestep, steps = environment.reset(), 0
    while not timestep.last():
        timestep, steps = environment.step(0), steps + 1
    assert (steps, timestep.discount) == (2_501, 0)


def test_without_ramping_asterix_stays_as_it_is():
    config = MinAtarConfig(difficulty_ramping=False)
    periods = {}
    for name, settings in (("on", MinAtarConfig()), ("off", config)):
        environment = MinAtarEnvironment("Asterix", 0, settings)
        environment.reset()
        for _ in range(500):
            environment._game.act(0)
        periods[name] = environment._game._spawn_period, environment._game._move_period
    assert periods == {"on": (6, 3), "off": (10, 5)}


@pytest.mark.parametrize(
    "settings", [{"sticky_action_probability": 1.1}, {"max_episode_steps": 0}]
)
def test_settings_that_will_not_do(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"^{name}: "):
        MinAtarConfig(**settings)
