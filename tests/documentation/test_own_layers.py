"""The programs of the page on parts of one's own do what they say."""

import re
import types

import jax
import numpy as np
import pytest
from dm_env import specs as dm_specs

import acme_moe
from acme_moe import learning
from acme_moe.agents.config import PruningConfig
from acme_moe.agents.dqn import DQNConfig
from acme_moe.networks import NetworkConfig, make_network
from tests.learning.tiny import NETWORK, batch
from tests.programs import ROOT


@pytest.fixture
def defined():
    """What the page's program with this name in it defines, without running a run."""
    page = (ROOT / "docs" / "own_layers.md").read_text()

    def define(name):
        (block,) = (
            block
            for block in re.findall(r"```python\n(.*?)```", page, re.S)
            if name in block
        )
        names = {}
        exec(block.partition("\nspec = ")[0], names)
        return names

    return define


def test_another_optimiser_is_pruned_like_adam(defined):
    lion = defined("LionBuilder")["LION"]
    params = {"w": np.ones((4, 4), np.float32)}
    for sparsity in (0.0, 0.95):
        config = DQNConfig(pruning=PruningConfig(sparsity=sparsity))
        state = lion.builder(config).make_optimizer().init(params)
        assert "ScaleByLionState" in str(state)
        assert ("mask" in str(state).lower()) == (sparsity > 0)


def test_an_objective_of_its_own_is_advantage_learning(defined):
    agent = defined("AdvantageBuilder")["ADVANTAGE"]

    def losses_with(gap):
        config = agent.config(discount=0.9, gap=gap)
        objective = agent.builder(config).make_objective(NETWORK)
        rate = np.ones(4, np.float32)
        loss, output = objective(params, params, jax.random.key(1), batch(), rate)
        np.testing.assert_allclose(loss, output.losses.mean(), rtol=1e-6)
        return output

    params = NETWORK.init(jax.random.key(0), batch().observation)
    without, halved = losses_with(0.0), losses_with(0.5)
    q_learning = learning.q_learning(NETWORK, discount=0.9)
    _, expected = q_learning(params, params, jax.random.key(1), batch(), None)
    np.testing.assert_allclose(without.losses, expected.losses, rtol=1e-5)
    q = NETWORK.apply(params, None, batch().observation).q_values
    gaps = q.max(axis=1) - q[np.arange(4), batch().action]
    after = NETWORK.apply(params, None, batch().next_observation).q_values.max(axis=1)
    errors = batch().reward + 0.9 * batch().discount * after - q.max(axis=1) + gaps
    np.testing.assert_allclose(halved.priorities, abs(errors - 0.5 * gaps), rtol=1e-4)


def test_another_composition_is_a_network(defined):
    names = defined("MeanBuilder")

    class Environment:
        actions = dm_specs.DiscreteArray(3)

    builder = names["MeanBuilder"](DQNConfig(network=NetworkConfig()))
    network = builder.make_network(Environment)
    images = np.zeros((2, 84, 84, 4), np.uint8)
    params = jax.eval_shape(network.init, jax.random.key(0), images)
    output = jax.eval_shape(network.apply, params, None, images)
    assert output.q_values.shape == (2, 3)
    assert output.moe.load.shape == (2, 8)


def test_another_run_s_parameters_are_where_training_starts(defined, monkeypatch):
    names = defined("WarmStartBuilder")
    network = NetworkConfig(encoder="nature_cnn", moe="none", expert_width=8)
    builder = names["WARM_START"].builder(DQNConfig(network=network))
    images = np.zeros((1, 84, 84, 4), np.uint8)

    class Environment:
        actions = dm_specs.DiscreteArray(3)

    def params_of(num_actions):
        return make_network(network, num_actions).init(jax.random.key(1), images)

    old, fresh = params_of(4), params_of(3)
    # As an agent that is loaded has them, on a device.
    loaded = types.SimpleNamespace(params=jax.device_put(old))
    monkeypatch.setattr(acme_moe, "load", lambda path: loaded)
    init = builder.make_network(Environment).init
    jax.eval_shape(init, jax.random.key(1), images)
    params = init(jax.random.key(1), images)
    kept = [
        np.array_equal(x, y)
        for x, y in zip(*map(jax.tree.leaves, (params, old)), strict=True)
    ]
    heads = [
        x.shape == y.shape
        for x, y in zip(*map(jax.tree.leaves, (fresh, old)), strict=True)
    ]
    assert kept == heads
    assert kept.count(False) == 2
