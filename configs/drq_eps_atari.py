"""DrQ(eps) with a Soft MoE penultimate layer: 100,000 agent steps of Atari."""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("drq_eps_atari")
