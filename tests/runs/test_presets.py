"""The presets have the values that their papers state, and no others."""

import importlib

import pytest

from acme_moe.runs.config import (
    from_config_dict,
    load_config,
    preset,
    to_config_dict,
)
from acme_moe.runs.presets import PRESETS
from acme_moe.runs.spec import OfflineRunSpec
from tests.programs import ROOT

_ATARI_200M = {
    "game": "Pong",
    "max_agent_steps": 50_000_000,
    "evaluation_every": 250_000,
    "evaluation_episodes": 10,
    "final_evaluation_episodes": None,
    "environment.sticky_action_probability": 0.25,
    "environment.terminal_on_life_loss": False,
    "environment.max_noop_starts": 0,
}
_DATA_EFFICIENT = {
    "evaluation_episodes": 10,
    "final_evaluation_episodes": 100,
    "environment.sticky_action_probability": 0.0,
    "environment.terminal_on_life_loss": True,
    "environment.max_noop_starts": 30,
}
_ATARI_100K = {
    **_DATA_EFFICIENT,
    "max_agent_steps": 100_000,
    "evaluation_every": 10_000,
}
_ATARI_100K_FOR_50M = {
    **_DATA_EFFICIENT,
    "max_agent_steps": 50_000_000,
    "evaluation_every": 250_000,
}
_OFFLINE = {
    "num_iterations": 200,
    "updates_per_iteration": 62_500,
    "dataset.fraction": 0.05,
    "dataset.num_files": 0,
    "conservative_weight": 0.1,
}
_NETWORK = {
    "network.encoder": "impala",
    "network.tokenizer": "per_conv",
    "network.moe": "soft",
    "network.num_experts": 8,
    "network.expert_width": 512,
    "network.dueling": False,
    "network.noisy": False,
    "network.num_atoms": None,
}
_DUELING = {**_NETWORK, "network.dueling": True}
_C51 = {**_DUELING, "network.num_atoms": 51}
_RAINBOW = {**_C51, "network.noisy": True}

# Dopamine's labs/environments/minatar; the width is Young and Tian's.
_MINATAR = {
    "game": "Breakout",
    "environment": {
        "name": "minatar",
        "sticky_action_probability": 0.1,
        "difficulty_ramping": True,
        "full_action_space": True,
        "max_episode_steps": 100_000_000,
    },
    "max_agent_steps": 10_000_000,
    "evaluation_every": 1_000_000,
    "evaluation_episodes": 10,
    "replay_ratio": 0.25,
    "batch_size": 32,
    "min_replay_size": 1_000,
    "max_replay_size": 100_000,
    "target_update_period": 1_000,
    "learning_rate": 2.5e-4,
    "adam_epsilon": 3.125e-4,
    "epsilon": 0.01,
    "epsilon_decay_steps": 250_000,
    "network.encoder": "minatar_cnn",
    "network.expert_width": 128,
}

STATED = {
    "dqn_minatar": {"agent": "dqn", **_MINATAR, "n_step": 1},
    "rainbow_minatar": {
        "agent": "rainbow",
        **_MINATAR,
        "n_step": 3,
        "network.num_atoms": 51,
        "network.v_max": 100.0,
    },
    "dqn_atari": {
        "agent": "dqn",
        **_ATARI_200M,
        **_NETWORK,
        "replay_ratio": 0.25,
        "n_step": 1,
    },
    "rainbow_atari": {
        "agent": "rainbow",
        **_ATARI_200M,
        **_RAINBOW,
        "replay_ratio": 0.25,
        "n_step": 3,
    },
    # Clark et al. (2024), without their prioritised replay.
    "btr_atari": {
        "agent": "dqn",
        **_ATARI_200M,
        **_DUELING,
        "network.encoder": "impala",
        "network.impala_width": 2,
        "network.impala_spectral_norm": True,
        "network.impala_max_pool": 6,
        "network.noisy": True,
        "network.num_quantiles": 8,
        "network.quantile_embedding": 64,
        "loss": "quantile",
        "munchausen.alpha": 0.9,
        "munchausen.temperature": 0.03,
        "munchausen.clip": -1,
        "epsilon_decay_steps": 2_000_000,
        "num_environments": 64,
        "batch_size": 256,
        "replay_ratio": 1 / 64,
        "n_step": 3,
        "discount": 0.997,
        "min_replay_size": 200_000,
        "target_update_period": 64 * 500,
        "learning_rate": 1e-4,
        "adam_epsilon": 1.953125e-5,
    },
    "r2d2_atari": {
        "agent": "r2d2",
        **_ATARI_200M,
        **_DUELING,
        "replay_ratio": 0.003125,
        "n_step": 5,
        "burn_in_length": 40,
        "trace_length": 80,
        "sequence_period": 40,
    },
    "der_atari": {
        "agent": "der",
        **_ATARI_100K,
        **_RAINBOW,
        "replay_ratio": 1.0,
        "n_step": 10,
    },
    "der_atari_50m": {
        "agent": "der",
        **_ATARI_100K_FOR_50M,
        **_RAINBOW,
        "replay_ratio": 1.0,
        "n_step": 10,
    },
    "drq_eps_atari": {
        "agent": "drq_eps",
        **_ATARI_100K,
        **_DUELING,
        "replay_ratio": 1.0,
        "n_step": 10,
    },
    "drq_eps_atari_50m": {
        "agent": "drq_eps",
        **_ATARI_100K_FOR_50M,
        **_DUELING,
        "replay_ratio": 1.0,
        "n_step": 10,
    },
    "cql_atari": {"agent": "cql", **_OFFLINE, **_NETWORK},
    "cql_c51_atari": {"agent": "cql_c51", **_OFFLINE, **_C51},
    "dqn_demo": {
        "agent": "dqn",
        **_ATARI_200M,
        **_NETWORK,
        "game": "RoadRunner",
        "max_agent_steps": 8_000,
        "evaluation_every": 2_000,
        "evaluation_episodes": 5,
        "network.encoder": "nature_cnn",
        "network.num_experts": 4,
        "network.expert_width": 64,
        "replay_ratio": 0.25,
        "min_replay_size": 1_000,
        "n_step": 3,
        "max_replay_size": 100_000,
        "learning_rate": 3e-4,
        "target_update_period": 400,
        "epsilon_decay_steps": 3_000,
        "epsilon": 0.05,
        "evaluation_epsilon": 0.05,
    },
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_values_that_are_stated(name):
    flat = to_config_dict(preset(name)).to_dict()
    assert {path: _at(flat, path) for path in STATED[name]} == STATED[name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_agents_defaults_in_all_else(name):
    flat = to_config_dict(preset(name)).to_dict()
    defaults = to_config_dict(from_config_dict({"agent": flat["agent"]})).to_dict()
    for path in STATED[name]:
        *parents, last = path.split(".")
        for fields in (flat, defaults):
            for parent in parents:
                fields = fields[parent]
            del fields[last]
    assert flat == defaults


@pytest.mark.parametrize("name", PRESETS)
def test_there_is_a_config_file_of_each(name):
    file = importlib.import_module(f"configs.{name}")
    assert file.get_config().to_dict() == load_config(name).to_dict()


def test_there_is_no_other_config_file():
    assert {path.stem for path in (ROOT / "configs").glob("*.py")} == set(PRESETS)


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"^preset: 'dqn_atri' is not known; .*cql_"):
        preset("dqn_atri")
    with pytest.raises(ValueError, match=r"did you mean dqn_atari"):
        preset("dqn_atri")
    with pytest.raises(ValueError, match=r"^config: 'none.py' is not known; .*dqn_at"):
        load_config("none.py")


def test_a_config_is_a_name_a_file_or_what_a_run_left(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from ml_collections import ConfigDict\n\n\n"
        "def get_config(game='Pong'):\n    return ConfigDict({'game': game})\n"
    )
    assert load_config(str(own)).to_dict() == {"game": "Pong"}
    assert load_config(f"{own}:Asterix").to_dict() == {"game": "Asterix"}
    left = tmp_path / "config.json"
    left.write_text('{"agent": "cql", "seed": 3}')
    assert load_config(str(left)).seed == 3
    assert isinstance(from_config_dict(load_config("cql_atari")), OfflineRunSpec)


def _at(fields, path):
    for name in path.split("."):
        fields = fields[name]
    return fields
