"""Gymnasium's environments by id."""

import sys

import numpy as np
import pytest
import tree

from acme_moe.environments import UnplayableError, find_suite
from acme_moe.environments.gymnasium_suite import GymnasiumConfig

SUITE = find_suite("gymnasium")
ROOM = "tests.gymnasium_room:Room-v0"


def make(game, seed=0, **settings):
    return SUITE.make(game, seed, GymnasiumConfig(**settings))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(
        UnplayableError, match=r"environment.name: 'gymnasium' needs .*"
    ):
        make("CartPole-v1")


def test_any_text_may_be_an_id_but_none():
    assert SUITE.resolve_game("ALE/Pong-v5") == "ALE/Pong-v5"
    with pytest.raises(ValueError, match=r"^game: '' is not"):
        SUITE.resolve_game("")


class TestWithThePackage:
    @pytest.fixture(autouse=True)
    def _package(self):
        pytest.importorskip("gymnasium")

    def test_vectors(self):
        environment = make("CartPole-v1")
        spec = environment.observation_spec()
        assert (spec.shape, spec.dtype) == ((4,), np.float32)
        timestep = environment.reset()
        steps = 0
        while not timestep.last():
            timestep = environment.step(steps % 2)
            spec.validate(timestep.observation)
            assert timestep.reward.dtype == np.float32
            steps += 1
        assert steps > 5
        assert timestep.discount == 0
        assert environment.step(0).first()
        environment.close()

    def test_the_seed_is_of_the_first_episode(self):
        starts = [make("CartPole-v1", seed).reset().observation for seed in (1, 1, 2)]
        np.testing.assert_array_equal(starts[0], starts[1])
        assert (starts[0] != starts[2]).any()
        environment = make("CartPole-v1", 1)
        again = [environment.reset().observation for _ in range(2)]
        assert (again[0] != again[1]).any()

    def test_a_truncated_episode_has_a_value(self):
        environment = make("CartPole-v1", max_episode_steps=3)
        environment.reset()
        steps = [environment.step(action) for action in (0, 1, 0)]
        assert [step.last() for step in steps] == [False, False, True]
        assert steps[-1].discount == 1

    def test_a_mode_that_the_constructor_does_not_take_is_no_fault(self):
        environment = make("tests.gymnasium_room:DarkRoom-v0")
        assert not hasattr(environment, "render")
        assert environment.reset().observation["image"].shape == (4, 3, 1)

    def test_dictionaries_of_every_kind(self):
        environment = make(ROOM)
        specs = environment.observation_spec()
        first = environment.reset().observation
        tree.map_structure(lambda spec, value: spec.validate(value), specs, first)
        assert first["image"].dtype == np.uint8
        assert first["position"].dtype == np.float32
        assert (specs["count"].dtype, specs["count"].maximum) == (np.int32, 2**31 - 1)
        place = int(first["place"].argmax())
        assert place == first["image"][0, 0, 0]
        assert first["place"].shape == (5,)
        np.testing.assert_array_equal(first["flags"], [1, 0, 1])
        np.testing.assert_array_equal(first["pair"][0], [0, 1, 0, 0, 1])
        # Its actions are 1 and 2; ours are 0 and 1.
        assert environment.action_spec().num_values == 2
        after = environment.step(1).observation
        assert after["image"][0, 0, 0] == place + 1
        np.testing.assert_array_equal(after["count"], np.int32([2**31 - 1]))
        assert environment.render().shape == (20, 30, 3)

    @pytest.mark.parametrize(
        ("game", "message"),
        [
            ("Pendulum-v1", "^game: its actions are Box"),
            ("Nowhere-v0", "^game: 'Nowhere-v0' cannot be made"),
            ("no.such.module:Env-v0", "^game: 'no.such.module:Env-v0' cannot be made"),
        ],
    )
    def test_what_cannot_be_played(self, game, message):
        with pytest.raises(UnplayableError, match=message):
            make(game)
