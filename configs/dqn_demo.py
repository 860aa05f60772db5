"""A small DQN with Soft MoE that learns something in a few minutes on two cores.

The network is the paper's, but with the CNN encoder and fewer and narrower experts (4
of 64 units). Returns are of 3 steps. Warm-up, exploration and target period are
shortened to suit the length of the run, the learning rate is higher, and evaluation
explores a little. `dqn_atari` has the paper's settings.
"""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("dqn_demo")
