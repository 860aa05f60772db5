"""CQL with a Soft MoE penultimate layer on the DQN Replay Dataset.

Section 5.1 of the paper has 5, 10 or 50 % of the data set of one game, and 200
iterations of 62,500 updates. `--config.dataset.path` is required: a published set, or
one that `--config.record` wrote. `--config.dataset.num_files=51` refuses an incomplete
download; docs/offline.md says which sets have 50.
"""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("cql_atari")
