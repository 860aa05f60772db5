"""The runs that have a name.

Each says only in what it differs from the defaults of its dataclasses, which are the
paper's DQN for 200 M frames with sticky actions (Machado et al., 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Kaiser et al. (2020): no sticky actions; episodes that end with each life, as in the
# implementations of van Hasselt et al. (2019) and Agarwal et al. (2021), and the no-ops
# of the latter, without which a greedy policy plays one game again and again.
_DATA_EFFICIENT = {
    "environment": {
        "sticky_action_probability": 0.0,
        "terminal_on_life_loss": True,
        "max_noop_starts": 30,
    },
    "final_evaluation_episodes": 100,
}
# 100,000 agent steps, and 100 evaluation episodes at their end, as in Agarwal et al.
_ATARI_100K = {
    **_DATA_EFFICIENT,
    "max_agent_steps": 100_000,
    "evaluation_every": 10_000,
}

# MinAtar as `labs/environments/minatar` of Dopamine sets it up, after Obando-Ceron and
# Castro (2021): ten iterations of a million frames. What Young and Tian (2019) put
# behind their convolution, a layer of 128 units, is here that of an expert.
_MINATAR = {
    "game": "Breakout",
    "environment": {"name": "minatar"},
    "max_agent_steps": 10_000_000,
    "evaluation_every": 1_000_000,
    "min_replay_size": 1_000,
    "max_replay_size": 100_000,
    "target_update_period": 1_000,
    "learning_rate": 2.5e-4,
    "adam_epsilon": 3.125e-4,
}
_MINATAR_NETWORK = {"encoder": "minatar_cnn", "expert_width": 128}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "dqn_atari": {"agent": "dqn"},
    "rainbow_atari": {"agent": "rainbow"},
    "r2d2_atari": {"agent": "r2d2"},
    # BTR (Clark et al., 2024), for an accelerator; configs/btr_atari.py says what of it
    # is missing.
    "btr_atari": {
        "agent": "dqn",
        "network": {
            "encoder": "impala",
            "impala_width": 2.0,
            "impala_spectral_norm": True,
            "impala_max_pool": 6,
            "dueling": True,
            "noisy": True,
            "num_quantiles": 8,
        },
        "loss": "quantile",
        "munchausen": {"alpha": 0.9},
        "n_step": 3,
        "num_environments": 64,
        "batch_size": 256,
        "replay_ratio": 1 / 64,
        "min_replay_size": 200_000,
        "target_update_period": 32_000,
        "learning_rate": 1e-4,
        "adam_epsilon": 0.005 / 256,
        "discount": 0.997,
        "epsilon_decay_steps": 2_000_000,
    },
    "der_atari": {"agent": "der", **_ATARI_100K},
    "drq_eps_atari": {"agent": "drq_eps", **_ATARI_100K},
    # Section 5.2 of the MoE paper: the data-efficient agents for 50 M agent steps.
    "der_atari_50m": {"agent": "der", **_DATA_EFFICIENT},
    "drq_eps_atari_50m": {"agent": "drq_eps", **_DATA_EFFICIENT},
    "cql_atari": {"agent": "cql"},
    "cql_c51_atari": {"agent": "cql_c51"},
    "dqn_minatar": {"agent": "dqn", **_MINATAR, "network": _MINATAR_NETWORK},
    "rainbow_minatar": {
        "agent": "rainbow",
        **_MINATAR,
        "network": {**_MINATAR_NETWORK, "v_max": 100.0},
    },
    # Learns something in a few minutes on two cores. Evaluation explores a little, as
    # without that an agent with so little training often stands still.
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
"""By name, fields of flat configs; see `acme_moe.runs.config`."""
