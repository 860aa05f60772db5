"""Acme 0.4.0's own layout keeps the replay ratio, or its settings are refused."""

import pytest
from acme import specs
from acme.agents.agent import _calculate_num_learner_steps as calls_at

from acme_moe import agents
from acme_moe.agents.acme_040 import Acme040Builder
from acme_moe.agents.dqn import DQNConfig
from tests.agents.agents import catch

SPEC = specs.make_environment_spec(catch())


def layout_settings(ratio, updates):
    config = DQNConfig(
        replay_ratio=ratio, sgd_steps_per_call=updates, min_replay_size=200
    )
    return Acme040Builder(agents.load_builder("dqn", config), SPEC).layout_settings


@pytest.mark.parametrize(
    ("ratio", "updates"),
    [(0.25, 1), (0.25, 4), (1.0, 1), (1.0, 2), (2.0, 1), (3.0, 3), (8.0, 4), (1.5, 3)],
)
def test_the_layout_keeps_the_replay_ratio(ratio, updates):
    settings = layout_settings(ratio, updates)
    # As `LocalLayout` makes them.
    samples = settings["batch_size"] * settings.get("num_sgd_steps_per_step", 1)
    steps_per_call = float(samples) / settings["samples_per_insert"]
    calls = sum(calls_at(step, 200, steps_per_call) for step in range(200, 680))
    assert calls * updates == 480 * ratio


@pytest.mark.parametrize(("ratio", "updates"), [(1.5, 1), (0.3, 1), (2.0, 3)])
def test_a_ratio_that_the_layout_would_round_is_refused(ratio, updates):
    with pytest.raises(ValueError, match=f"^replay_ratio: {ratio} is not accepted"):
        layout_settings(ratio, updates)
