"""Catch and CartPole behave as bsuite's."""

import math

import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs
from dm_env import test_utils as dm_env_tests

from acme_moe.environments import find_suite
from acme_moe.environments.bsuite import CartPole, Catch
from acme_moe.specs import StackedFrames


class TestCatch(dm_env_tests.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return Catch(0)


class TestCartPole(dm_env_tests.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return CartPole(0)


@pytest.mark.parametrize("column", range(5))
def test_the_ball_is_caught_if_the_paddle_is_under_it(column):
    environment = Catch(column)
    returns = set()
    for _ in range(20):
        timestep = environment.reset()
        ball = int(timestep.observation[0].argmax())
        steps = 0
        while not timestep.last():
            paddle = int(timestep.observation[-1].argmax())
            timestep = environment.step(1 + np.sign(column - paddle))
            steps += 1
        assert steps == 9
        assert timestep.discount == 0
        assert timestep.reward == (1 if ball == column else -1)
        returns.add(float(timestep.reward))
    assert returns == {-1, 1}


def test_catch_as_an_image():
    plain, image = Catch(3), Catch(3, image=True)
    board, picture = plain.reset().observation, image.reset().observation
    assert picture.dtype == np.uint8
    assert image.observation_spec() == StackedFrames(10, 5, 1, "board")
    np.testing.assert_array_equal(picture[..., 0], 255 * board.astype(np.uint8))
    assert plain.render().shape == (320, 160, 3)


def test_acmes_wrappers_leave_a_stack_of_frames_what_it_is():
    spec = Catch(image=True).observation_spec()
    assert isinstance(spec.replace(dtype=np.uint8), StackedFrames)
    assert spec.replace(name="x").name == "x"
    assert spec.replace(shape=(3, 2, 4)) == StackedFrames(3, 2, 4, "board")
    assert type(spec.replace(shape=(10, 5))) is specs.BoundedArray
    floats = spec.replace(dtype=np.float32)
    assert (type(floats), floats.shape) == (specs.BoundedArray, spec.shape)


def test_a_step_of_the_cart_is_eulers():
    """Of Barto, Sutton and Anderson's equations, solved here as a linear system."""
    environment = CartPole(0)
    environment.reset()
    state = np.array([0.3, -0.2, 0.1, 0.4])
    for action in (0, 2, 1):
        environment._state = state
        _, speed, angle, spin = state
        # m l (4/3) a'' + m cos x'' = m g sin ; M x'' + m l cos a'' = F + m l w^2 sin
        sine, cosine = math.sin(angle), math.cos(angle)
        matrix = [[0.5 * 4 / 3, cosine], [0.1 * 0.5 * cosine, 1.1]]
        force = (action - 1) * 10 + 0.1 * 0.5 * spin**2 * sine
        spin_up, speed_up = np.linalg.solve(matrix, [9.8 * sine, force])
        expected = state + 0.01 * np.array([speed, speed_up, spin, spin_up])
        environment.step(action)
        np.testing.assert_allclose(environment._state, expected, rtol=1e-12)
        state = expected


def test_the_pole_falls_and_may_be_balanced():
    environment = CartPole(1)
    lengths = {}
    for name in ("stay", "balance"):
        timestep = environment.reset()
        total = 0.0
        while not timestep.last():
            _, speed, sine, _, spin, _ = timestep.observation
            lean = sine + 0.3 * spin + 0.1 * speed
            action = 1 if name == "stay" else 1 + int(np.sign(lean))
            timestep = environment.step(action)
            total += timestep.reward
        lengths[name] = total
        assert timestep.discount == 0
    assert lengths["stay"] < 300
    assert lengths["balance"] == 1001
    assert timestep.observation[-1] == pytest.approx(1.001)
    assert environment.render().shape == (210, 320, 3)


def test_an_action_that_there_is_not_is_refused():
    environment = Catch()
    environment.reset()
    for action in (-1, 3):
        with pytest.raises(
            ValueError, match=rf"^action: {action} is not accepted; 0 to 2$"
        ):
            environment.step(action)


def test_the_suite_makes_both():
    suite = find_suite("bsuite")
    config = suite.config_class(catch_rows=6, catch_image=True)
    assert suite.resolve_game("cart_pole") == "CartPole"
    assert isinstance(suite.make("CartPole", 0, config), CartPole)
    catch = suite.make("Catch", 0, config)
    assert catch.observation_spec().shape == (6, 5, 1)
    with pytest.raises(ValueError, match="game: 'Pong' is not known; accepted: CartP"):
        suite.resolve_game("Pong")
