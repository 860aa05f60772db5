"""Named runs: the paper's agents on Atari, and a demonstration.

Each says only in what it differs from the defaults of its dataclasses, which are the
paper's DQN for 200 M frames with sticky actions (Machado et al., 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from acme_moe import files, validation
from acme_moe.runs.config import (
    RunSpec,
    from_config_dict,
    read_config_json,
    to_config_dict,
)

# Kaiser et al. (2020): no sticky actions; episodes that end with each life, as in the
# implementations of van Hasselt et al. (2019) and Agarwal et al. (2021).
_DATA_EFFICIENT = {
    "environment": {"sticky_action_probability": 0.0, "terminal_on_life_loss": True},
    "final_evaluation_episodes": 100,
}
# 100,000 agent steps, and 100 evaluation episodes at their end, as in Agarwal et al.
_ATARI_100K = {
    **_DATA_EFFICIENT,
    "max_agent_steps": 100_000,
    "evaluation_every": 10_000,
}
# Section 5.1 of the MoE paper: a share of a published set of 50 files.
_OFFLINE = {"dataset": {"num_files": 50}}

_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "dqn_atari": {"agent": "dqn"},
    "rainbow_atari": {"agent": "rainbow"},
    "r2d2_atari": {"agent": "r2d2"},
    "der_atari": {"agent": "der", **_ATARI_100K},
    "drq_eps_atari": {"agent": "drq_eps", **_ATARI_100K},
    # Section 5.2 of the MoE paper: the data-efficient agents for 50 M agent steps.
    "der_atari_50m": {"agent": "der", **_DATA_EFFICIENT},
    "drq_eps_atari_50m": {"agent": "drq_eps", **_DATA_EFFICIENT},
    "cql_atari": {"agent": "cql", **_OFFLINE},
    "cql_c51_atari": {"agent": "cql_c51", **_OFFLINE},
    # Learns something in a few minutes on two cores. Evaluation explores a little,
    # since so young an agent often stands still without.
    "dqn_demo": {
        "agent": "dqn",
        "game": "RoadRunner",
        "max_agent_steps": 8_000,
        "evaluation_every": 2_000,
        "evaluation_episodes": 5,
        "network": {"encoder": "nature_cnn", "num_experts": 4, "expert_width": 64},
        "min_replay_size": 1_000,
        "max_replay_size": 100_000,
        "n_step": 3,
        "learning_rate": 3e-4,
        "target_update_period": 400,
        "epsilon_decay_steps": 3_000,
        "epsilon": 0.05,
        "evaluation_epsilon": 0.05,
    },
}

PRESETS = tuple(_PRESETS)
"""Names of the presets."""


def preset(name: str) -> RunSpec:
    """Returns the run of a name.

    Raises:
      ValueError: if there is none; lists those there are, and close ones.
    """
    validation.one_of("preset", name, PRESETS)
    return from_config_dict(_PRESETS[name])


def load_config(source: str) -> ConfigDict:
    """Returns the flat config that a name or a path stands for.

    Args:
      source: a preset; a `.py` file with a `get_config`, which gets what follows a
        colon (`mine.py:big`); or a run's `config.json`.

    Raises:
      ValueError: if it is none of them; lists the presets, and close ones.
    """
    path, _, argument = source.partition(":")
    if path.endswith(".json") and Path(path).is_file():
        return to_config_dict(read_config_json(Path(path)))
    if path.endswith(".py") and Path(path).is_file():
        get_config = files.load_module(Path(path)).get_config
        return get_config(argument) if argument else get_config()
    others = "a file that exists: a .py with get_config, or a run's config.json"
    validation.one_of("config", source, PRESETS, others)
    return to_config_dict(preset(source))
