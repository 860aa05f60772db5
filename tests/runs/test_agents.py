"""Real runs of agents on a real game, from their config files, made short.

That each agent trains and resumes is the matter of `test_bsuite_agents`.
"""

import json
import math

import pytest

from tests.programs import ROOT, launch, rows

_SMALL = {
    "network.encoder": "nature_cnn",
    "network.num_experts": 2,
    "network.expert_width": 8,
    "min_replay_size": 100,
    "batch_size": 4,
    "evaluation_every": 140,
    "evaluation_episodes": 1,
    "final_evaluation_episodes": 1,
    "environment.max_episode_steps": 120,
    # A head of 51 atoms on 84 x 84 has most of its time in memory.
    "environment.screen_size": 36,
    "log_every_seconds": 1e-6,
}

# Sequences that end within the short episodes, and several environments.
_MORE = {
    "r2d2": {
        "lstm_size": 8,
        "head_width": 8,
        "burn_in_length": 4,
        "trace_length": 8,
        "sequence_period": 4,
        "num_environments": 2,
    }
}


def train(config, workdir, **settings):
    """Runs the launcher as a user would."""
    return launch(
        "train.py",
        f"--config={ROOT / 'configs' / config}",
        f"--workdir={workdir}",
        *(f"--config.{name}={value}" for name, value in settings.items()),
    )


@pytest.mark.parametrize(
    ("agent", "ratio", "moe"),
    [
        ("der", 1.0, "top1"),
        ("drq_eps", 2.0, "none"),
        ("r2d2", 0.25, "soft"),
    ],
)
def test_an_agent_trains(agent, ratio, moe, tmp_path):
    settings = _SMALL | _MORE.get(agent, {})
    settings |= {"replay_ratio": ratio, "network.moe": moe, "game": "Pong"}
    result = train(f"{agent}_atari.py", tmp_path, max_agent_steps=140, **settings)
    assert result.returncode == 0, result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["agent"] == agent
    assert summary["moe"] == moe
    assert summary["learner_steps"] == ratio * 40
    assert summary["replay_ratio_realised"] == ratio
    log = rows(tmp_path / "learner.csv")
    assert int(log[-1]["learner_steps"]) == ratio * 40
    for row in log:
        steps = int(row["agent_steps"]) - 100
        assert int(row["learner_steps"]) <= math.floor(ratio * steps)
