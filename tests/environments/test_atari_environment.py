import itertools
import pickle
import subprocess
import sys

import cv2
import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils

from acme_moe.environments import AtariConfig, AtariEnvironment, UnplayableError
from acme_moe.specs import StackedFrames

NOOP, FIRE = 0, 1  # In Breakout and Pong.


def make(game="Breakout", seed=0, sticky=0.0, **settings):
    config = AtariConfig(sticky_action_probability=sticky, **settings)
    return AtariEnvironment(game, seed, config)


def play(environment, actions):
    """Frames, rewards and step types of an environment that is reset where it ends."""
    return [
        (step.observation[..., -1].tobytes(), step.reward, step.step_type)
        for step in map(environment.step, actions)
    ]


def lose_a_life(environment, actions=None):
    """Steps that end with the first `LAST` one."""
    actions = itertools.repeat(FIRE) if actions is None else actions
    steps = [environment.reset()]
    while not steps[-1].last():
        steps.append(environment.step(next(actions)))
    return steps


def test_a_mode_changes_the_game_and_one_that_it_lacks_is_named():
    def screens(**settings):
        environment = make(**settings)
        environment.reset()
        return [screen for screen, *_ in play(environment, [FIRE, *[3] * 60])]

    assert screens() == screens(mode=0) == screens(difficulty=0)
    assert screens() != screens(mode=12)
    assert screens() != screens(difficulty=1)
    with pytest.raises(UnplayableError, match=r"environment.mode: 3 .* Breakout; 0, 4"):
        make(mode=3)
    with pytest.raises(UnplayableError, match=r"environment.difficulty: 2 .*; 0, 1$"):
        make(difficulty=2)


class TruncatedConformanceTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return make("Pong", sticky=0.25, max_episode_steps=7)


class LifeLossConformanceTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return make(terminal_on_life_loss=True)

    def make_action_sequence(self):
        yield from [np.int32(FIRE)] * 60


def test_specs():
    environment = make("Pong", screen_size=42, frame_stack=3)
    spec = environment.observation_spec()
    assert spec == StackedFrames(42, 42, 3)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert environment.action_spec().num_values == 6
    assert environment.action_spec().dtype == np.int32
    assert make("Pong", full_action_space=True).action_spec().num_values == 18
    assert environment.reward_spec().dtype == np.float32
    assert environment.discount_spec().dtype == np.float32
    environment.reset()
    step = environment.step(np.int32(2))
    spec.validate(step.observation)
    assert type(step.reward) is np.float32
    assert type(step.discount) is np.float32


def test_observations_are_the_last_frames_newest_last():
    environment = make()
    observations = [environment.reset().observation]
    for _ in range(5):
        observations.append(environment.step(FIRE).observation)
    assert not observations[0][..., :3].any()
    assert observations[0][..., 3].any()
    for before, after in itertools.pairwise(observations):
        np.testing.assert_array_equal(after[..., :3], before[..., 1:])


@pytest.mark.parametrize("stack", [1, 2])
def test_other_stacks(stack):
    environment = make(frame_stack=stack)
    assert environment.reset().observation.shape == (84, 84, stack)
    assert environment.step(NOOP).observation.any()


def test_observations_are_the_callers_to_keep():
    environment = make()
    kept = environment.reset().observation
    copy = kept.copy()
    for action in [FIRE, NOOP, NOOP, NOOP]:
        step = environment.step(action)
        assert not np.shares_memory(step.observation, kept)
        step.observation.fill(7)
    np.testing.assert_array_equal(kept, copy)
    assert not (environment.step(NOOP).observation == 7).all()


def test_a_frame_skip_of_one_shows_each_screen():
    environment = make("Pong", frame_skip=1)
    step = environment.reset()
    for _ in range(20):
        screen = environment.ale.getScreenGrayscale()
        expected = cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(step.observation[..., -1], expected)
        step = environment.step(2)


def test_a_lost_life_ends_an_episode_but_not_the_game():
    environment = make(terminal_on_life_loss=True)
    steps = lose_a_life(environment)
    last = steps[-1]
    assert last.discount == 0
    assert not environment.game_over
    assert environment.lives == 4
    ram = environment.ale.getRAM()

    first = environment.reset()

    assert first.first()
    assert first.reward is None
    assert not first.observation[..., :3].any()
    np.testing.assert_array_equal(first.observation[..., 3], last.observation[..., 3])
    np.testing.assert_array_equal(environment.ale.getRAM(), ram)
    assert environment.lives == 4


def test_the_last_life_ends_the_game():
    environment = make(terminal_on_life_loss=True)
    reward, actions = 0.0, iter(np.random.default_rng(0).integers(4, size=10_000))
    for lives in range(4, -1, -1):
        steps = lose_a_life(environment, actions)
        reward += sum(step.reward for step in steps[1:])
        assert environment.lives == lives
        assert environment.game_over == (lives == 0)
        assert environment.episode_return == reward
    assert steps[-1].discount == 0
    assert reward > 0
    environment.reset()
    assert environment.lives == 5
    assert environment.episode_return == 0
    assert not environment.game_over


def test_without_life_loss_an_episode_is_a_game():
    environment = make()
    steps = lose_a_life(environment)
    assert environment.lives == 0
    assert environment.game_over
    assert steps[-1].discount == 0
    assert all(step.discount == 1 for step in steps[1:-1])


def test_reset_in_the_middle_of_an_episode_starts_a_new_game():
    environment = make(terminal_on_life_loss=True)
    lose_a_life(environment)
    environment.reset()  # Goes on.
    assert environment.lives == 4
    environment.reset()
    assert environment.lives == 5


def test_truncation_keeps_the_discount_and_starts_a_new_game():
    environment = make("Pong", max_episode_steps=5)
    first = environment.reset()
    steps = [environment.step(2) for _ in range(5)]
    assert [step.step_type for step in steps[:-1]] == [dm_env.StepType.MID] * 4
    assert steps[-1].last()
    assert steps[-1].discount == 1
    assert environment.game_over
    again = environment.step(2)  # After a LAST step, this is a reset.
    assert again.first()
    np.testing.assert_array_equal(again.observation, first.observation)
    assert not environment.game_over


def test_the_time_limit_counts_steps_over_all_lives():
    free = make(terminal_on_life_loss=True)
    first_life = len(lose_a_life(free)) - 1
    environment = make(terminal_on_life_loss=True, max_episode_steps=first_life + 3)
    assert lose_a_life(environment)[-1].discount == 0
    second = lose_a_life(environment)
    assert len(second) - 1 == 3
    assert second[-1].discount == 1
    assert environment.game_over
    environment.reset()
    assert environment.lives == 5


def test_a_life_lost_at_the_time_limit_is_terminal_and_ends_the_game():
    first_life = len(lose_a_life(make(terminal_on_life_loss=True))) - 1
    environment = make(terminal_on_life_loss=True, max_episode_steps=first_life)
    assert lose_a_life(environment)[-1].discount == 0
    assert environment.game_over
    environment.reset()
    assert environment.lives == 5


def test_sticky_actions_stick_as_often_as_they_should():
    # The ball of Breakout is served if the first frame's FIRE gets through.
    environment = make(seed=3, sticky=0.25, frame_skip=1)
    games, served = 150, 0
    for _ in range(games):
        environment.reset()
        for action in (FIRE, NOOP, NOOP, NOOP):
            environment.step(action)
        served += environment.ale.getRAM()[101] != 0
    assert 0.66 < served / games < 0.84


def test_an_action_that_always_sticks_is_that_of_the_reset():
    stuck, idle = make(sticky=1.0), make()
    for environment in (stuck, idle):
        environment.reset()
    assert play(stuck, [FIRE, 2, 3] * 5) == play(idle, [NOOP] * 15)


def test_the_seed_decides():
    actions = np.random.default_rng(0).integers(6, size=80).tolist()
    same = [play(make("Pong", seed, sticky=0.25), actions) for seed in (5, 5, 6)]
    assert same[0] == same[1]
    assert same[0] != same[2]
    # As large as Acme's distributed experiments draw them.
    assert play(make("Pong", 2**32 - 1), actions) == play(make("Pong"), actions)


def test_games_of_one_environment_differ():
    environment = make("Pong", sticky=0.25, max_episode_steps=50)
    games = [play(environment, [NOOP, *[2, 3] * 25]) for _ in range(2)]
    assert games[0] != games[1]


def test_render_and_names():
    environment = make("ms_pacman")
    environment.reset()
    image = environment.render()
    assert image.shape == (210, 160, 3)
    assert image.dtype == np.uint8
    assert image.any()
    assert environment.game == "MsPacman"
    assert environment.lives == 3


def test_messages():
    with pytest.raises(ValueError, match=r"game: 'Pongg' is not known; .*Pong"):
        AtariEnvironment("Pongg", 0, AtariConfig())
    with pytest.raises(ValueError, match=r"seed: -1 is not accepted; 0 to 4294967295"):
        AtariEnvironment("Pong", -1, AtariConfig())
    environment = make("Pong")
    environment.reset()
    for action in (-1, 6):
        with pytest.raises(
            ValueError, match=rf"action: {action} is not accepted; 0 to 5"
        ):
            environment.step(action)


def test_importing_is_light_and_the_emulator_silent():
    program = (
        "import sys; from acme_moe.environments import AtariConfig, resolve_game; "
        "assert not {'ale_py', 'cv2', 'acme', 'tensorflow'} & set(sys.modules); "
        "from acme_moe.environments import AtariEnvironment; "
        "AtariEnvironment('Pong', 0, AtariConfig()).reset()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert done.stderr == ""
