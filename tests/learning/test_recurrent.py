"""R2D2's objective on a network small enough to follow step by step."""

import collections
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from acme_moe import diagnostics, learning, losses
from acme_moe.networks import NetworkConfig, ValueOutput, make_recurrent_network

ACTIONS, UNITS, BATCH, BURN_IN, STEPS = 3, 4, 4, 3, 5
SETTINGS = {
    "burn_in_length": BURN_IN,
    "discount": 0.9,
    "n_step": 2,
    "importance_exponent": 0.6,
    "max_priority_weight": 0.9,
}
CONFIG = NetworkConfig(
    encoder="mlp",
    mlp_widths=(6,),
    tokenizer="per_samp",
    moe="top1",
    num_experts=2,
    expert_width=5,
    dueling=True,
)
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
KEY = jax.random.PRNGKey(3)
# As a named tuple that is not Haiku's, which is how replay gives it back.
State = collections.namedtuple("LSTMState", ["hidden", "cell"])


def batch(seed=0, size=BATCH):
    """Sequences: ordinary, at an episode's start, at its end, and shorter than both."""
    rng = np.random.default_rng(seed)
    total = BURN_IN + STEPS
    mask = np.ones((size, total), bool)
    mask[1::4, :BURN_IN] = False
    mask[2::4, BURN_IN + 3 :] = False
    mask[3::4, :BURN_IN] = mask[3::4, BURN_IN + 1 :] = False
    discount = np.ones((size, total), np.float32)
    discount[2::4, BURN_IN + 2] = 0.0
    observation = rng.normal(size=(size, total + 1, 5)).astype(np.float32)
    reward = rng.normal(size=(size, total)).astype(np.float32)
    action = rng.integers(0, ACTIONS, (size, total)).astype(np.int32)
    return learning.Sequences(
        observation=observation,
        action=action,
        reward=reward,
        discount=discount,
        mask=mask,
        start_state=State(*rng.normal(size=(2, size, UNITS)).astype(np.float32)),
    )


@functools.cache
def parts(**changes):
    network = make_recurrent_network(
        dataclasses.replace(CONFIG, **changes),
        ACTIONS,
        lstm_size=UNITS,
        head_width=16,
    )
    observation = batch().observation[:, 0]
    params, target_params = (
        jax.jit(network.init)(jax.random.PRNGKey(seed), observation) for seed in (0, 1)
    )
    return network, params, target_params


@functools.cache
def evaluated(**changes):
    """Value, report and gradient of the objective."""
    network, params, target_params = parts(**changes)
    objective = learning.recurrent_q_learning(network, **SETTINGS)
    function = jax.jit(jax.value_and_grad(objective, has_aux=True))
    (value, report), gradient = function(
        params, target_params, KEY, batch(), PROBABILITIES
    )
    return value, report, gradient


def starts(params):
    """Each sequence's state after its burn-in, one step after the other."""
    network, *_ = parts()
    apply = jax.jit(network.apply, static_argnums=4)
    data = batch()
    states = []
    for b in range(BATCH):
        state = network.initial_state(1)
        state = type(state)(*(x[None, b] for x in data.start_state))
        for t in range(BURN_IN):
            if data.mask[b, t]:
                observation = data.observation[None, b, t]
                _, state = apply(params, None, observation, state, True)
        states.append(state)
    return jax.tree.map(lambda *x: jnp.concatenate(x), *states)


def by_hand(params, target_params, start, target_start):
    """The loss from given states, sequence by sequence."""
    network, *_ = parts()
    data = batch()
    observations = np.swapaxes(data.observation[:, BURN_IN:], 0, 1)
    q = network.unroll(params, None, observations, start, True)[0].q_values
    target_q = network.unroll(target_params, None, observations, target_start, True)
    target_q = target_q[0].q_values
    learnt = [x[:, BURN_IN:] for x in data[1:5]]
    total, priorities = 0.0, []
    weights = (PROBABILITIES.min() / PROBABILITIES) ** 0.6
    for b in range(BATCH):
        action, reward, discount, mask = (x[b] for x in learnt)
        length = int(mask.sum())
        errors = losses.transformed_n_step_errors(
            q[:length, b : b + 1],
            action[:length, None],
            reward[:length, None],
            0.9 * discount[:length, None],
            target_q[1 : length + 1, b : b + 1],
            q[1 : length + 1, b : b + 1],
            np.ones((length, 1), bool),
            n_step=2,
        )
        total += weights[b] * 0.5 * jnp.sum(errors**2)
        size = jnp.abs(errors)
        priorities.append(0.9 * size.max() + 0.1 * size.mean())
    return total / BATCH, jnp.stack(priorities)


def test_value_priorities_and_gradient_are_those_of_a_burn_in_by_hand():
    """The gradient is that of a loss whose states after the burn-in are constants."""
    _, params, target_params = parts()
    states = starts(params), starts(target_params)
    function = jax.jit(jax.value_and_grad(by_hand, has_aux=True))
    (expected, priorities), gradient = function(params, target_params, *states)
    value, report, found = evaluated()
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(report.priorities, priorities, rtol=1e-3, atol=1e-6)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5),
        found,
        gradient,
    )


def test_the_burn_in_trains_nothing():
    network, params, target_params = parts()
    objective = learning.recurrent_q_learning(network, **SETTINGS)

    def value(observation):
        sequences = batch()._replace(observation=observation)
        return objective(params, target_params, KEY, sequences, PROBABILITIES)[0]

    observation = batch().observation
    changed = observation.copy()
    changed[0, BURN_IN - 1] += 1.0
    changed_padding = observation.copy()
    changed_padding[1, :BURN_IN] += 1.0
    changed_padding[3, BURN_IN + 2 :] += 1.0
    compiled = jax.jit(value)
    assert compiled(changed) != compiled(observation)
    np.testing.assert_array_equal(compiled(changed_padding), compiled(observation))


def test_each_unroll_has_a_key_of_its_own(monkeypatch):
    keys = []

    def unroll(params, key, observations, state, evaluation=False):
        del params, evaluation
        keys.append(tuple(np.asarray(key)))
        q_values = jnp.zeros((*observations.shape[:2], ACTIONS))
        return ValueOutput(q_values, None, None, None, q_values, {}), state

    network, *_ = parts()
    network = dataclasses.replace(network, unroll=unroll)
    # Operations that are not compiled together would take their time.
    errors = np.zeros((STEPS, BATCH), np.float32)
    monkeypatch.setattr(losses, "transformed_n_step_errors", lambda *_: errors)
    objective = learning.recurrent_q_learning(network, **SETTINGS)
    objective(None, None, KEY, batch(), PROBABILITIES)
    # Over the burn-in and the rest, of both networks.
    assert len(set(keys)) == len(keys) == 4


def test_a_sequence_that_is_hardly_ever_drawn_does_not_silence_the_others():
    """Weights are Acme's `(p + 1e-6)^-0.6`, over their maximum."""
    network, params, target_params = parts()
    objective = learning.recurrent_q_learning(network, **SETTINGS)
    # All alike, so that the loss is the mean weight of what one of them has.
    alike = jax.tree.map(lambda x: np.repeat(x[:1], BATCH, axis=0), batch())
    compiled = jax.jit(lambda p: objective(params, target_params, KEY, alike, p)[0])
    probabilities = np.array([1e-9, 1e-6, 1e-5, 1e-4], np.float32)
    weights = (probabilities + 1e-6) ** -0.6
    np.testing.assert_allclose(
        compiled(probabilities) / compiled(np.full(BATCH, 0.25, np.float32)),
        np.mean(weights / weights.max()),
        rtol=1e-3,
    )


def test_load_balancing_counts_only_the_steps_that_are_learnt_from():
    network, params, _ = parts()
    data = batch()
    observations = np.swapaxes(data.observation[:, BURN_IN:], 0, 1)
    unroll = jax.jit(network.unroll, static_argnums=4)
    output, _ = unroll(params, None, observations, starts(params), True)
    mask = data.mask[:, BURN_IN:].T
    probabilities = np.asarray(output.moe.probabilities)[:-1][mask]
    importance = losses.importance_loss(probabilities)
    plain, *_ = evaluated()
    balanced, report, _ = evaluated(importance_weight=0.5)
    assert importance > 0
    np.testing.assert_allclose(
        report.metrics["load_balancing_loss"], 0.5 * importance, rtol=1e-4
    )
    np.testing.assert_allclose(balanced - plain, 0.5 * importance, rtol=1e-2)


@pytest.mark.parametrize("calls", [1, 2])
def test_the_shared_update_takes_sequences(calls):
    network, params, _ = parts()
    optimizer = optax.adam(1e-2)
    update = learning.make_update(
        learning.recurrent_q_learning(network, **SETTINGS),
        optimizer,
        target_update_period=2,
        sgd_steps_per_call=calls,
    )
    state = learning.init_training_state(params, optimizer, jax.random.PRNGKey(5))
    data = batch(size=BATCH * calls)
    first = None
    for _ in range(20):
        state, priorities, metrics = update(state, data, np.tile(PROBABILITIES, calls))
        first = metrics["loss"] if first is None else first
    assert priorities.shape == (BATCH * calls,)
    assert int(state.steps) == 20 * calls
    assert metrics["loss"] < 0.5 * first
    assert update.compiled._cache_size() == 1


def test_without_a_burn_in_the_stored_state_is_the_first():
    network, params, target_params = parts()
    objective = learning.recurrent_q_learning(
        network, **{**SETTINGS, "burn_in_length": 0}
    )
    data = batch()
    cut = data._replace(
        observation=data.observation[:, BURN_IN:],
        action=data.action[:, BURN_IN:],
        reward=data.reward[:, BURN_IN:],
        discount=data.discount[:, BURN_IN:],
        mask=data.mask[:, BURN_IN:],
    )
    value, _ = jax.jit(objective)(params, target_params, KEY, cut, PROBABILITIES)
    state = network.initial_state(BATCH)._replace(**data.start_state._asdict())
    expected, _ = jax.jit(by_hand)(params, target_params, state, state)
    np.testing.assert_allclose(value, expected, rtol=1e-4)


@pytest.mark.parametrize("definitions", diagnostics.DEFINITIONS)
def test_it_is_measured_by_either_definition(definitions):
    network, params, target_params = parts()
    measure = diagnostics.make_measure(
        learning.recurrent_probe(network, burn_in_length=BURN_IN),
        learning.recurrent_q_learning(network, **SETTINGS),
        diagnostics.DiagnosticsConfig(definitions=definitions),
        batch_size=BATCH,
    )
    results = jax.jit(measure)(params, target_params, KEY, batch(), PROBABILITIES)
    assert all(np.isfinite(float(x)) for x in results.values())
    if definitions == "authors":
        _, report, _ = evaluated()
        expected = [float(jnp.mean(report.losses)), float(jnp.var(report.losses))]
        ours = [float(results[f"authors_td_error_{x}"]) for x in ("mean", "var")]
        assert ours == pytest.approx(expected, rel=1e-3)


def test_the_probe_is_at_the_last_step_that_took_place():
    network, params, _ = parts()
    sequences = batch()
    probe = learning.recurrent_probe(network, burn_in_length=BURN_IN)
    values, output = jax.jit(probe)(params, KEY, sequences)
    apply = jax.jit(network.apply, static_argnums=4)
    lengths = [STEPS, STEPS, 3, 1]
    for i, length in enumerate(lengths):
        state = jax.tree.map(lambda x, i=i: x[i : i + 1], sequences.start_state)
        state = network.initial_state(1)._replace(**state._asdict())
        # A burn-in of padding is left out.
        start = 0 if sequences.mask[i, 0] else BURN_IN
        for t in range(start, BURN_IN + length):
            step, state = apply(
                params, None, sequences.observation[i : i + 1, t], state, True
            )
        action = sequences.action[i, BURN_IN + length - 1]
        np.testing.assert_allclose(values[i], step.q_values[0, action], atol=1e-6)
        np.testing.assert_allclose(
            output.features[i], step.features[0], rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(output.moe.load[i], step.moe.load[0], rtol=1e-5)
    shapes = {name: x.shape[0] for name, x in output.activations.items()}
    assert set(shapes.values()) == {BATCH}
