"""One device call for several environments: whose episodes start, and whose go on."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dm_env import specs

from acme_moe.agents import vector_policy
from tests.lowering import branches

SPEC = specs.Array((2,), np.float32)
NEWEST = np.ones((3, 2), np.float32)


def make_policy():
    """A policy whose state is the episode's key, and the steps since its start."""
    return SimpleNamespace(
        init=lambda key: (key, jnp.zeros((), jnp.int32)),
        select_action=lambda variables, observation, state: (
            jnp.int32(observation.sum()),
            (state[0], state[1] + variables),
        ),
        get_extras=lambda state: state[1],
    )


def play(firsts):
    """Returns the steps of each environment, and the carry, after some steps."""
    policy = make_policy()
    step = vector_policy.make_step(policy, SPEC)
    carry = vector_policy.start(policy, jax.random.PRNGKey(0), SPEC, 3)
    for first in firsts:
        carry, (_, steps) = step(1, carry, NEWEST, np.array(first))
    return steps, carry


FIRSTS = [[True] * 3, [False] * 3, [False, True, False], [False] * 3]


def test_only_environments_whose_episode_starts_have_a_new_state():
    steps, carry = play(FIRSTS)
    assert steps.tolist() == [4, 2, 4]
    _, before = play(FIRSTS[:1])
    kept = (carry.states[0] == before.states[0]).all(axis=1)
    assert kept.tolist() == [True, False, True]
    # The key moves only where an episode starts.
    np.testing.assert_array_equal(play(FIRSTS[:2])[1].key, before.key)
    assert (carry.key != before.key).any()


@pytest.mark.parametrize("length", [1, 4])
def test_an_accelerator_acts_the_same(length, as_on_accelerator):
    expected = play(FIRSTS[:length])
    with as_on_accelerator():
        jax.tree.map(np.testing.assert_array_equal, play(FIRSTS[:length]), expected)


def test_only_a_cpu_takes_a_branch():
    policy = make_policy()
    step = vector_policy.make_step(policy, SPEC)
    carry = vector_policy.start(policy, jax.random.PRNGKey(0), SPEC, 3)
    args = (1, carry, NEWEST, np.ones(3, bool))
    assert branches(step, *args, platform="cpu") == 1
    assert branches(step, *args, platform="cuda") == 0
