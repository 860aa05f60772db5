"""An agent from outside in a run: by its import path, from the config to the folder."""

import json

from acme_moe.runs import config as config_lib
from acme_moe.runs.online import OnlineRun


def test_it_is_trained_and_its_folder_is_read_again(tmp_path):
    spec = config_lib.from_config_dict(
        {
            "agent": "tests.outside_agents:TWO_STEP",
            "max_agent_steps": 140,
            "evaluation_episodes": 0,
            "min_replay_size": 100,
            "batch_size": 4,
            "bonus": 2.0,
            "network": {"encoder": "nature_cnn", "moe": "none", "expert_width": 8},
        }
    )
    with OnlineRun(spec, tmp_path) as run:
        run.run()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["agent"] == "tests.outside_agents:TWO_STEP"
    assert summary["learner_steps"] == 10
    assert config_lib.read_config_json(tmp_path / "config.json") == spec
