"""The jitted update on a network small enough to follow by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from acme_moe import learning
from tests.learning.tiny import NETWORK, batch, make_state


def huber(error):
    return jnp.where(abs(error) < 1, 0.5 * error**2, abs(error) - 0.5)


@pytest.mark.parametrize(
    ("settings", "loss_of"), [({}, jnp.square), ({"loss": "huber"}, huber)]
)
def test_a_step_moves_against_the_gradient_of_the_loss(settings, loss_of):
    discount, optimizer = 0.9, optax.sgd(0.5)
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=discount, **settings),
        optimizer,
        target_update_period=100,
    )
    state, data = make_state(optimizer), batch()
    params = state.params

    @jax.jit
    @jax.value_and_grad
    def loss(p):
        q = NETWORK.apply(p, jax.random.PRNGKey(1), data.observation).q_values
        next_q = NETWORK.apply(
            params, jax.random.PRNGKey(1), data.next_observation
        ).q_values
        target = data.reward + discount * data.discount * next_q.max(axis=1)
        return jnp.mean(loss_of(target - q[jnp.arange(4), data.action]))

    value, gradient = loss(params)
    # The target is a constant: the expected gradient is with respect to p alone.
    expected = jax.tree.map(lambda p, g: p - 0.5 * g, params, gradient)
    state, priorities, metrics = update(state, data, np.ones(4, np.float32))
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6),
        state.params,
        expected,
    )
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-5)
    assert priorities.shape == (4,)
    assert int(state.steps) == 1


def test_the_target_is_copied_every_period_and_only_then():
    optimizer = optax.sgd(0.1)
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=0.9), optimizer, target_update_period=3
    )
    state = make_state(optimizer)

    def same(x, y):
        return all(
            np.array_equal(a, b)
            for a, b in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True)
        )

    for step in range(1, 8):
        state, _, _ = update(state, batch(seed=step), np.ones(4, np.float32))
        assert same(state.params, state.target_params) == (step % 3 == 0)


def test_several_steps_a_call_are_the_same_steps():
    optimizer = optax.adam(1e-2)
    objective = learning.q_learning(NETWORK, discount=0.9)
    one = learning.make_update(objective, optimizer, target_update_period=2)
    three = learning.make_update(
        objective, optimizer, target_update_period=2, sgd_steps_per_call=3
    )
    data = batch(12)
    ones = np.ones(12, np.float32)
    together, priorities, _ = three(make_state(optimizer), data, ones)
    apart, parts = make_state(optimizer), []
    for i in range(3):
        part = jax.tree.map(lambda x, i=i: x[4 * i : 4 * i + 4], data)
        apart, p, _ = one(apart, part, ones[:4])
        parts.append(p)
    assert int(together.steps) == 3
    np.testing.assert_allclose(priorities, np.concatenate(parts), rtol=1e-4, atol=1e-6)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5),
        together.params,
        apart.params,
    )


def test_one_compilation_for_one_shape():
    optimizer = optax.adam(1e-3)
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=0.9), optimizer, target_update_period=2
    )
    state = make_state(optimizer)
    for seed in range(5):
        data = jax.device_put(batch(seed=seed))
        state, _, _ = update(state, data, jax.device_put(np.ones(4, np.float32)))
    assert update.compiled._cache_size() == 1


def test_an_unknown_loss_is_named():
    with pytest.raises(ValueError, match="loss: 'l1' is not known; accepted: huber"):
        learning.q_learning(NETWORK, discount=0.9, loss="l1")
