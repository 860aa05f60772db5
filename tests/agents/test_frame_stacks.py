"""Stacks on the device are the observations that the environment emitted."""

import jax
import numpy as np
from dm_env import specs

from acme_moe.agents import frame_stacks
from acme_moe.specs import StackedFrames

GAMES, STACK = 3, 4
SPEC = {
    "frames": StackedFrames(5, 6, STACK),
    "vector": specs.Array((2,), np.float32),
}


def test_they_follow_episodes_that_start_at_different_times():
    rng = np.random.default_rng(0)
    push = jax.jit(lambda *x: frame_stacks.push(SPEC, *x))
    stacks = frame_stacks.blank_stacks(SPEC, GAMES)
    expected = np.zeros((GAMES, 5, 6, STACK), np.uint8)
    for t in range(12):
        first = np.full(GAMES, True) if t == 0 else rng.random(GAMES) < 0.3
        newest = {
            "frames": rng.integers(1, 256, (GAMES, 5, 6), np.uint8),
            "vector": rng.normal(size=(GAMES, 2)).astype(np.float32),
        }
        for i in range(GAMES):
            before = 0 * expected[i] if first[i] else expected[i]
            expected[i] = np.concatenate(
                [before[..., 1:], newest["frames"][i, ..., None]], axis=-1
            )
        stacks, observation = push(stacks, newest, first)
        np.testing.assert_array_equal(observation["frames"], expected)
        np.testing.assert_array_equal(observation["vector"], newest["vector"])
        assert observation["frames"].dtype == np.uint8
