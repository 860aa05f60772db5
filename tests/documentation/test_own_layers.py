"""The programs of the page on parts of one's own do what they say."""

import re

import jax
import numpy as np
import pytest
from dm_env import specs as dm_specs

from acme_moe.agents.config import PruningConfig
from acme_moe.agents.dqn import DQNConfig
from acme_moe.networks import NetworkConfig
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
