"""What R2D2's settings accept."""

import pytest

from acme_moe.agents.r2d2 import R2D2Config


def test_the_defaults_are_those_of_the_paper_and_of_acme():
    config = R2D2Config()
    assert config.target_update_period_in_updates == 2_500
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
        ({"min_replay_size": 79}, "min_replay_size: 79 is not accepted; at least 80"),
        ({"lstm_size": 0}, "lstm_size: 0 is not accepted; at least 1"),
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
