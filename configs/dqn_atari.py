"""DQN with a Soft MoE penultimate layer, as the paper trains it on Atari."""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("dqn_atari")
