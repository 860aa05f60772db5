"""Acme's own DQN learns Catch with the Soft MoE layer in its network."""

import runpy
import statistics

from acme import specs, wrappers
from acme.agents.jax import dqn

from tests.agents.agents import RANDOM_RETURN, catch
from tests.programs import ROOT

EXAMPLE = ROOT / "examples" / "acme_dqn_soft_moe.py"


def test_it_solves_catch():
    example = runpy.run_path(str(EXAMPLE))
    environment = wrappers.SinglePrecisionWrapper(catch(image=True))
    spec = specs.make_environment_spec(environment)
    network = example["make_network"](spec, expert_width=32)
    config = dqn.DQNConfig(
        batch_size=32,
        learning_rate=1e-3,
        min_replay_size=100,
        samples_per_insert=16.0,
        samples_per_insert_tolerance_rate=1.0,
        n_step=3,
    )
    agent = example["make_agent"](spec, network, config)
    returns = example["train"](environment, agent, 1_500)
    # Epsilon stays at 0.05, so not every ball is caught.
    assert statistics.fmean(returns[-40:]) > 0.5 > RANDOM_RETURN
