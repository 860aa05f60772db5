"""R2D2 remembers, counts its replay in agent steps, and refuses odd settings."""

import numpy as np
import pytest
from acme import specs

from acme_moe.agents.r2d2 import R2D2Builder, R2D2Config
from acme_moe.environments import bsuite
from acme_moe.networks import NetworkConfig
from tests.agents import agents
from tests.agents.test_learning import SOLVED, learned_return


class HiddenBall(bsuite.Catch):
    """Catch whose ball is seen in an episode's first observation alone."""

    def _observation(self):
        observation = super()._observation()
        row, _ = self._ball
        if row > 0:
            observation[:] = 0
            observation[-1, self._paddle] = 1
        return observation


def test_it_remembers_where_the_ball_was():
    builder = agents.make_builder("r2d2", "vector")
    games = (HiddenBall(number, rows=6) for number in (0, 10))
    assert learned_return(builder, *games, seed=0) >= SOLVED


def test_the_hidden_ball_is_hidden():
    environment = HiddenBall(0, rows=6)
    assert environment.reset().observation.sum() == 2
    while not (timestep := environment.step(0)).last():
        rows, _ = np.nonzero(timestep.observation)
        np.testing.assert_array_equal(rows, 5)  # The lowest.


def test_the_table_counts_agent_steps():
    """A sequence stands for a period of them."""
    config = R2D2Config(
        network=NetworkConfig(encoder="mlp", tokenizer="per_samp"),
        batch_size=8,
        replay_ratio=0.05,
        min_replay_size=400,
        max_replay_size=4_000,
        samples_per_insert_tolerance=1.0,
    )
    spec = specs.make_environment_spec(agents.catch())
    (table,) = R2D2Builder(config).make_replay_tables(spec)
    assert table.info.max_size == 4_000 / 40
    limiter = table.info.rate_limiter_info
    assert limiter.min_size_to_sample == 400 / 40
    # 40 steps are 2 updates of 8 sequences.
    assert limiter.samples_per_insert == pytest.approx(16)
    assert table.info.sampler_options.prioritized.priority_exponent == pytest.approx(
        0.9
    )


def test_the_defaults_are_those_of_the_paper_and_of_acme():
    config = R2D2Config()
    assert config.head_width == 512
    assert config.in_updates(config.target_update_period) == 2_500
    # Each sequence is drawn this often.
    drawn = config.batch_size * config.exact_replay_ratio * config.sequence_period
    assert drawn == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_period": 30}, "sequence_period: 30 is not accepted; 40 to 80"),
        ({"sequence_period": 81}, "sequence_period: 81 is not accepted; 40 to 80"),
        (
            {"burn_in_length": 0, "sequence_period": 0},
            "sequence_period: 0 is not accepted; 1 to 80",
        ),
        ({"trace_length": 10}, "trace_length: 10 is not accepted; at least 40, burn_"),
        ({"min_replay_size": 79}, "min_replay_size: 79 is not accepted; at least 80"),
        ({"lstm_size": 0}, "lstm_size: 0 is not accepted; at least 1"),
        ({"head_width": 0}, "head_width: 0 is not accepted; at least 1"),
        ({"max_priority_weight": 1.1}, "max_priority_weight: 1.1 is not accepted"),
        ({"importance_exponent": -0.1}, "importance_exponent: -0.1 is not accepted"),
        ({"epsilon": 0.0}, "epsilon: 0.0 is not accepted; more than 0"),
        ({"max_epsilon": 0.0001}, "max_epsilon: 0.0001 is not accepted; 0.001 to 1"),
        ({"max_abs_reward": 0.0}, "max_abs_reward: 0.0 is not accepted; more than 0"),
        ({"max_abs_reward": "1"}, "max_abs_reward: '1' is not accepted"),
    ],
)
def test_what_makes_no_sense_is_named(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        R2D2Config(**settings)
