"""Wrappers do to an environment what Acme's of the same names do."""

import pickle

import dm_env
import numpy as np
import pytest
import tree
from acme import wrappers as acmes
from dm_env import specs

from acme_moe.environments import wrappers


class Doubles(dm_env.Environment):
    """Counts, in double precision."""

    name = "doubles"

    def reset(self):
        self._count = 0
        return dm_env.restart(self._observation())

    def step(self, action):
        self._count += int(action)
        return dm_env.transition(reward=0.5, observation=self._observation())

    def _observation(self):
        image = np.full((2, 2), self._count, np.uint8)
        return {"image": image, "numbers": (np.int64(self._count), 0.1 * self._count)}

    def observation_spec(self):
        numbers = (specs.Array((), np.int64), specs.BoundedArray((), np.float64, 0, 9))
        return {"image": specs.Array((2, 2), np.uint8), "numbers": numbers}

    def action_spec(self):
        return specs.DiscreteArray(3, np.int64)


@pytest.mark.parametrize(
    "name", ["SinglePrecisionWrapper", "ObservationActionRewardWrapper"]
)
def test_a_wrapper_is_as_acme_s(name):
    ours, theirs = (getattr(module, name)(Doubles()) for module in (wrappers, acmes))
    for method in ("observation", "action", "reward", "discount"):
        found, expected = (getattr(e, f"{method}_spec")() for e in (ours, theirs))
        for x, y in zip(tree.flatten(found), tree.flatten(expected), strict=True):
            assert (type(x), x.shape, x.dtype) == (type(y), y.shape, y.dtype)
    steps = [[e.reset(), e.step(np.int64(2)), e.step(1)] for e in (ours, theirs)]
    for found, expected in zip(*steps, strict=True):
        pairs = zip(tree.flatten(found), tree.flatten(expected), strict=True)
        for x, y in pairs:
            assert np.asarray(x).dtype == np.asarray(y).dtype
            np.testing.assert_array_equal(x, y)
    assert (
        type(ours.reset().observation).__name__
        == type(theirs.reset().observation).__name__
    )


def test_what_a_wrapper_lacks_is_the_environment_s():
    wrapper = wrappers.EnvironmentWrapper(wrappers.EnvironmentWrapper(Doubles()))
    assert wrapper.name == "doubles"
    assert pickle.loads(pickle.dumps(wrapper)).name == "doubles"
    with pytest.raises(AttributeError, match="render"):
        wrapper.render  # noqa: B018


class Wide(Doubles):
    """Counts in steps that no 32 bits hold."""

    def _observation(self):
        return np.array([self._count, self._count * 2**40, -self._count * 2**40])

    def observation_spec(self):
        limits = np.iinfo(np.int64)
        return specs.BoundedArray((3,), np.int64, limits.min, limits.max)


def test_integers_that_32_bits_do_not_hold_become_the_nearest():
    wrapper = wrappers.SinglePrecisionWrapper(Wide())
    wrapper.reset()
    observation = wrapper.step(1).observation
    limits = np.iinfo(np.int32)
    assert observation.tolist() == [1, limits.max, limits.min]
    wrapper.observation_spec().validate(observation)
