"""The mixture and the tokenizer of the example are what its text says, and learn."""

import json
import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.agents.dqn import DQNConfig
from acme_moe.networks import NetworkConfig
from acme_moe.runs.online import OnlineRun
from tests import catch
from tests.agents import agents
from tests.agents.test_learning import SOLVED, learned_return
from tests.runs import tiny

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_moe.py"


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLE))


def test_each_expert_takes_what_it_scores_highest(example):
    config = NetworkConfig(encoder="nature_cnn", num_experts=3, expert_width=8)
    network = example["make_network"](config, 4)
    images = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4), np.uint8)
    params = network.init(jax.random.PRNGKey(0), images)
    output = network.apply(params, None, images, True)
    assert output.q_values.shape == (2, 4)
    moe = output.moe
    # 11 rows, so that each of 3 experts has 4 slots.
    assert moe.dispatch_weights.shape == (2, 11, 3, 4)
    np.testing.assert_allclose(moe.dispatch_weights.sum(axis=1), 1, rtol=1e-5)
    least_taken = jnp.where(moe.dispatch_weights.any(axis=-1), moe.probabilities, 2)
    most_left = jnp.where(moe.dispatch_weights.any(axis=-1), -1, moe.probabilities)
    assert (least_taken.min(axis=1) >= most_left.max(axis=1)).all()
    np.testing.assert_allclose(moe.load.sum(axis=1) + moe.dropped, 1, rtol=1e-5)


def test_it_learns_catch(example):
    config = agents.make_builder("dqn", "image").config
    builder = example["Builder"](config)
    assert learned_return(builder, catch.Catch(0), catch.Catch(10), 0) >= SOLVED


def test_it_runs_on_a_real_game_with_the_run_folder_of_every_run(example, tmp_path):
    experiment = tiny.spec(run={"evaluation_episodes": 0})
    assert isinstance(experiment.agent, DQNConfig)
    builder = example["Builder"](experiment.agent)
    with OnlineRun(experiment, tmp_path, builder) as run:
        run.run()
    assert json.loads((tmp_path / "summary.json").read_text())["learner_steps"] == 50
    assert (tmp_path / "checkpoints").is_dir()
