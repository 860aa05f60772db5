"""What the agents minimise, put together from the losses by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning, losses
from acme_moe.networks import NetworkConfig, make_network
from tests.learning.tiny import NUM_ACTIONS, batch

TOP1 = NetworkConfig(
    encoder="mlp", tokenizer="per_samp", moe="top1", num_experts=3, expert_width=8
)
KEY = jax.random.PRNGKey(3)
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def evaluate(make, config, **settings):
    """An objective's value and report, and the outputs of its two networks."""
    network = make_network(config, NUM_ACTIONS)
    data = batch()
    params, target_params = (
        network.init(jax.random.PRNGKey(seed), data.observation) for seed in (0, 1)
    )
    objective = jax.jit(make(network, discount=0.9, **settings))
    value, report = objective(params, target_params, KEY, data, PROBABILITIES)
    outputs = (
        network.apply(params, None, data.observation, evaluation=True),
        network.apply(params, None, data.next_observation, evaluation=True),
        network.apply(target_params, None, data.next_observation, evaluation=True),
    )
    return value, report, outputs, data


def test_double_q_learning_lets_the_online_network_choose():
    value, report, (online, selector, target), data = evaluate(
        learning.q_learning, TOP1, double=True, loss="squared"
    )
    rows = jnp.arange(4)
    chosen = jnp.argmax(selector.q_values, axis=1)
    goal = data.reward + 0.9 * data.discount * target.q_values[rows, chosen]
    errors = goal - online.q_values[rows, data.action]
    np.testing.assert_allclose(value, jnp.mean(errors**2), rtol=1e-5)
    np.testing.assert_allclose(report.losses, errors**2, rtol=1e-4)
    np.testing.assert_allclose(report.priorities, jnp.abs(errors), atol=1e-6)


def test_the_categorical_loss_is_weighted_and_its_root_the_priority():
    config = dataclasses.replace(TOP1, num_atoms=11, dueling=True)
    value, report, (online, selector, target), data = evaluate(
        learning.categorical_q_learning, config
    )
    errors = losses.categorical_double_q_errors(
        online.logits,
        online.atoms,
        data.action,
        data.reward,
        0.9 * data.discount,
        target.logits,
        selector.q_values,
    )
    weights = np.sqrt(PROBABILITIES.min() / PROBABILITIES)
    np.testing.assert_allclose(value, jnp.mean(weights * errors), rtol=1e-4)
    np.testing.assert_allclose(report.losses, errors, rtol=1e-4)
    np.testing.assert_allclose(
        report.priorities, jnp.sqrt(errors), rtol=1e-4, atol=1e-6
    )


def test_load_balancing_reaches_the_loss_with_its_weight():
    plain, unbalanced, (online, *_), _ = evaluate(learning.q_learning, TOP1)
    importance = losses.importance_loss(online.moe.probabilities)
    config = dataclasses.replace(TOP1, importance_weight=0.5)
    balanced, report, _, _ = evaluate(learning.q_learning, config)
    assert importance > 0
    np.testing.assert_allclose(balanced - plain, 0.5 * importance, rtol=1e-3)
    np.testing.assert_array_equal(report.losses, unbalanced.losses)
    np.testing.assert_allclose(
        report.metrics["load_balancing_loss"], 0.5 * importance, rtol=1e-4
    )


def test_a_categorical_loss_needs_a_categorical_head():
    with pytest.raises(ValueError, match=r"^num_atoms: None is not accepted"):
        learning.categorical_q_learning(make_network(TOP1, 3), discount=0.9)
