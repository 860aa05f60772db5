"""CQL with a Soft MoE penultimate layer on the DQN Replay Dataset.

Section 5.1 of the paper: 5, 10 or 50 % of the set of one game, 200 iterations of
62,500 updates. `--config.dataset.path` has to be given: a published set, or what
`--config.record` wrote; `--config.dataset.num_files=50` refuses one that is not all
there.
"""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("cql_atari")
