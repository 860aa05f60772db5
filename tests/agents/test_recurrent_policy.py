"""R2D2's policy: what it remembers, what it tells replay, how much it explores."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.agents.policy import epsilon_greedy
from acme_moe.learning import ActingVariables
from acme_moe.networks import NetworkConfig, make_recurrent_network

ACTIONS, STEPS = 4, 6
NETWORK = make_recurrent_network(
    NetworkConfig(
        encoder="mlp",
        mlp_widths=(32,),
        tokenizer="per_samp",
        num_experts=2,
        expert_width=16,
    ),
    ACTIONS,
    lstm_size=8,
    head_width=8,
)
OBSERVATIONS = np.random.default_rng(0).normal(size=(2, STEPS, 5)).astype(np.float32)
PARAMS = jax.jit(NETWORK.init)(jax.random.PRNGKey(0), OBSERVATIONS[:, 0])
VARIABLES = ActingVariables(PARAMS, np.int32(0), np.float32(1))


def make_policy(epsilon, episode_epsilons=(0.0,), evaluation=False):
    return epsilon_greedy(
        NETWORK,
        lambda steps: jnp.asarray(epsilon),
        episode_epsilons=episode_epsilons,
        evaluation=evaluation,
    )


def test_it_acts_on_the_whole_episode_and_tells_the_state_before_each_action():
    policy = make_policy(0.0)
    select = jax.jit(policy.select_action)
    state = policy.init(jax.random.PRNGKey(0))
    sequence = OBSERVATIONS[:1].swapaxes(0, 1)
    expected, _ = NETWORK.unroll(PARAMS, None, sequence, NETWORK.initial_state(1), True)
    before = NETWORK.initial_state(1)
    for t in range(STEPS):
        action, state = select(VARIABLES, OBSERVATIONS[0, t], state)
        assert action == expected.q_values[t, 0].argmax()
        assert action.dtype == jnp.int32
        told = policy.get_extras(state)["core_state"]
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y[0], atol=1e-6), told, before
        )
        _, before = NETWORK.apply(PARAMS, None, sequence[t], before, True)
    start = policy.init(jax.random.PRNGKey(1))
    assert not any(x.any() for x in jax.tree.leaves(start.acting.core_state))


def test_several_environments_share_a_call():
    policy = make_policy(0.5, (0.1, 0.2))
    states = [policy.init(jax.random.PRNGKey(i)) for i in range(2)]
    together = jax.tree.map(lambda *x: jnp.stack(x), *states)
    select = jax.jit(policy.select_action)
    select_all = jax.jit(jax.vmap(policy.select_action, in_axes=(None, 0, 0)))
    for t in range(3):
        actions, together = select_all(VARIABLES, OBSERVATIONS[:, t], together)
        for i in range(2):
            action, states[i] = select(VARIABLES, OBSERVATIONS[i, t], states[i])
            assert action == actions[i]
    apart = jax.tree.map(lambda *x: jnp.stack(x), *states)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), together, apart
    )


@pytest.mark.parametrize(
    ("schedule", "episode", "explored"), [(0.0, 0.5, 0.5), (0.8, 0.5, 0.8), (0, 0, 0)]
)
def test_exploration_is_the_larger_of_the_run_s_and_the_episode_s(
    schedule, episode, explored
):
    policy = make_policy(schedule, (episode,))
    select = jax.jit(
        jax.vmap(
            lambda state: policy.select_action(VARIABLES, OBSERVATIONS[0, 0], state)
        )
    )
    keys = jax.random.split(jax.random.PRNGKey(0), 4_000)
    actions, _ = select(jax.vmap(policy.init)(keys))
    greedy = NETWORK.apply(
        PARAMS, None, OBSERVATIONS[:1, 0], NETWORK.initial_state(1), True
    )[0].q_values.argmax()
    share = np.mean(np.asarray(actions) != greedy)
    assert share == pytest.approx(explored * (1 - 1 / ACTIONS), abs=0.03)


def test_episodes_draw_their_exploration():
    epsilons = (0.001, 0.01, 0.1)
    policy = make_policy(0.0, epsilons)
    keys = jax.random.split(jax.random.PRNGKey(0), 300)
    drawn = np.asarray(jax.vmap(policy.init)(keys).epsilon)
    for epsilon in epsilons:
        assert np.isclose(drawn, epsilon).mean() == pytest.approx(1 / 3, abs=0.1)
