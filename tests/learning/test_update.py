"""The jitted update on a network small enough to follow by hand."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from acme_moe import learning
from tests.learning.tiny import NETWORK, batch, make_state
from tests.lowering import branches


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


def test_an_objective_that_logs_nothing_has_its_loss_logged():
    def objective(params, target_params, key, transitions, probabilities):
        q = NETWORK.apply(params, key, transitions.observation).q_values
        each = jnp.square(q).mean(axis=1)
        return each.mean(), learning.ObjectiveOutput(each, each, {})

    optimizer = optax.sgd(0.1)
    update = learning.make_update(objective, optimizer, target_update_period=1)
    state, data = make_state(optimizer), batch()
    value, _ = objective(state.params, None, jax.random.PRNGKey(0), data, None)
    _, _, metrics = update(state, data, np.ones(4, np.float32))
    assert sorted(metrics) == ["gradient_norm", "loss"]
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-5)


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


def test_each_step_has_a_key_of_its_own_and_its_part_in_the_metrics():
    def objective(params, target_params, key, transitions, probabilities):
        del target_params, transitions, probabilities
        drawn = jax.random.uniform(key, (1,))
        output = learning.ObjectiveOutput(drawn, drawn, {"drawn": drawn[0]})
        return params["w"], output

    optimizer, params = optax.sgd(0.1), {"w": jnp.zeros(())}
    update = learning.make_update(
        objective, optimizer, target_update_period=1, sgd_steps_per_call=2
    )
    state = learning.init_training_state(params, optimizer, jax.random.PRNGKey(0))
    drawn = []
    for _ in range(2):
        state, priorities, metrics = update(state, jnp.ones(2), jnp.ones(2))
        np.testing.assert_allclose(metrics["drawn"], np.mean(priorities), rtol=1e-6)
        drawn.extend(np.asarray(priorities))
    assert len(set(drawn)) == 4


def test_new_items_enter_with_the_largest_priority_so_far_and_at_least_one():
    def objective(params, target_params, key, transitions, probabilities):
        del target_params, key, probabilities
        return params["w"], learning.ObjectiveOutput(transitions, transitions, {})

    optimizer, params = optax.sgd(0.1), {"w": jnp.zeros(())}
    update = learning.make_update(objective, optimizer, target_update_period=1)
    state = learning.init_training_state(params, optimizer, jax.random.PRNGKey(0))
    entering = []
    for priorities in ([0.2, 0.5], [3.0, 0.1], [0.3, 2.0]):
        state, _, _ = update(state, jnp.asarray(priorities), jnp.ones(2))
        entering.append(float(state.max_priority))
    assert entering == [1, 3, 3]


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


@pytest.mark.parametrize("sgd_steps_per_call", [1, 2])
def test_what_is_donated_is_written_in_place(sgd_steps_per_call):
    optimizer = optax.adam(1e-3)
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=0.9),
        optimizer,
        target_update_period=2,
        sgd_steps_per_call=sgd_steps_per_call,
    )

    def buffers(state):
        donated = (state.target_params, state.opt_state, state.key)
        return [x.unsafe_buffer_pointer() for x in jax.tree.leaves(donated)]

    before = make_state(optimizer)
    expected = buffers(before)
    after, _, _ = update(before, batch(), np.ones(4, np.float32))
    # Buffers that change places would each be copied once more.
    assert buffers(after) == expected


def test_an_accelerator_learns_the_same_without_a_branch(as_on_accelerator):
    optimizer = optax.adam(1e-3)
    data, ones = batch(), np.ones(4, np.float32)

    def make_update():
        objective = learning.q_learning(NETWORK, discount=0.9)
        return learning.make_update(objective, optimizer, target_update_period=3)

    def learnt():
        update, state = make_update(), make_state(optimizer)
        for _ in range(5):
            state, _, metrics = update(state, data, ones)
        return state, metrics

    expected = learnt()
    with as_on_accelerator():
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6),
            learnt(),
            expected,
        )
    compiled, state = make_update().compiled, make_state(optimizer)
    args = (
        (state.target_params, state.opt_state, state.key),
        (state.params, state.steps, state.max_priority),
        data,
        ones,
    )
    assert branches(compiled, *args, platform="cpu") == 1
    assert branches(compiled, *args, platform="cuda") == 0


def test_what_was_compiled_ahead_is_not_compiled_again(caplog):
    optimizer = optax.adam(1e-3)
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=0.9), optimizer, target_update_period=2
    )
    state = make_state(optimizer)
    data, ones = jax.device_put((batch(), np.ones(4, np.float32)))
    shapes = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (state, data, ones)
    )

    def compiled():  # As JAX 0.6 says it, or a later one.
        return len(re.findall(r"Compiling (?:jit\()?several_steps", caplog.text))

    with jax.log_compiles():
        update.compile_for(*shapes)
        ahead = compiled()
        update(state, data, ones)
    assert ahead >= 1
    assert compiled() == ahead


def test_a_first_state_is_that_of_its_operations_one_by_one():
    optimizer, keys = optax.adam(1e-3), jax.random.split(jax.random.PRNGKey(3))
    observation = batch().observation
    compiled = learning.compile_training_state(
        lambda key: NETWORK.init(key, observation), optimizer
    )(*keys)
    plain = learning.init_training_state(
        NETWORK.init(keys[0], observation), optimizer, keys[1]
    )
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-7),
        compiled,
        plain,
    )
    # An update gives the target's buffers away, and not the parameters'.
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves(compiled)]
    assert len(set(pointers)) == len(pointers)


def test_the_caller_s_key_outlives_the_update():
    key, params = jax.random.PRNGKey(3), {"w": jnp.ones(2)}
    state = learning.init_training_state(params, optax.sgd(0.1), key)
    donate = jax.jit(lambda state: state._replace(key=state.key + 1), donate_argnums=0)
    donate(state)
    assert state.key.is_deleted()
    assert not key.is_deleted()


def test_an_unknown_loss_is_named():
    accepted = "huber, squared, hl_gauss, two_hot, quantile, or the import path of one"
    message = f"loss: 'l1' is not known; accepted: {accepted}"
    with pytest.raises(ValueError, match=message):
        learning.q_learning(NETWORK, discount=0.9, loss="l1")


def test_numbers_of_steps_are_checked():
    make = functools.partial(learning.make_update, lambda *_: None, optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"^target_update_period: 0 is not accepted"):
        make(target_update_period=0)
    with pytest.raises(ValueError, match=r"^sgd_steps_per_call: 0 is not accepted"):
        make(target_update_period=1, sgd_steps_per_call=0)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("load", np.zeros(8), r"has shape \(8,\); one"),
        ("loss", 0.0, "is measured twice"),
        ("gradient_norm", 0.0, "is measured twice"),
    ],
)
def test_a_metric_that_cannot_be_logged_is_named(name, value, problem):
    def objective(params, *_):
        metrics = {name: jnp.asarray(value)}
        return params["w"], learning.ObjectiveOutput(jnp.ones(1), jnp.ones(1), metrics)

    optimizer = optax.sgd(0.1)
    update = learning.make_update(objective, optimizer, target_update_period=1)
    params, key = {"w": jnp.zeros(())}, jax.random.PRNGKey(0)
    state = learning.init_training_state(params, optimizer, key)
    with pytest.raises(ValueError, match=f"metrics: '{name}' {problem}"):
        update(state, jnp.ones(1), jnp.ones(1))


def test_a_batch_that_the_steps_of_a_call_cannot_share_is_named():
    objective, optimizer = learning.q_learning(NETWORK, discount=0.9), optax.sgd(0.1)
    update = learning.make_update(
        objective, optimizer, target_update_period=1, sgd_steps_per_call=3
    )
    message = r"batch: 4 is not accepted; a multiple of sgd_steps_per_call \(3\)"
    with pytest.raises(ValueError, match=message):
        update(make_state(optimizer), batch(), np.ones(4, np.float32))


def test_the_gradient_norm_is_that_of_all_parameters():
    rng = np.random.default_rng(0)
    shapes = ((), (3,), (32,), (7, 5), (16, 5), (4, 8, 3))
    gradients = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]

    def objective(params, target_params, key, transitions, probabilities):
        del target_params, key, transitions, probabilities
        value = sum(map(jnp.vdot, params, gradients))
        return value, learning.ObjectiveOutput(jnp.ones(1), jnp.ones(1), {})

    optimizer = optax.sgd(0.1)
    update = learning.make_update(objective, optimizer, target_update_period=100)
    params = jax.tree.map(jnp.zeros_like, gradients)
    state = learning.init_training_state(params, optimizer, jax.random.PRNGKey(0))
    _, _, metrics = update(state, None, jnp.ones(1))
    expected = optax.global_norm(gradients)
    np.testing.assert_allclose(metrics["gradient_norm"], expected, rtol=1e-6)
