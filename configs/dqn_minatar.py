"""DQN with a Soft MoE penultimate layer on MinAtar, for 10 M frames."""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("dqn_minatar")
