"""Rainbow in the regime of BTR: 64 games at once, batches of 256, a ratio of 1/64."""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("rainbow_atari_btr")
