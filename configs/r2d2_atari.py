"""R2D2 with a Soft MoE before its LSTM, on Atari."""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("r2d2_atari")
