"""Rainbow with a Soft MoE penultimate layer, as the paper trains it on Atari.

What is written here is what one usually varies; every other field of
`acme_moe/agents/rainbow/config.py` and of `RunConfig` in
`acme_moe/experiments/config.py` can be set from the command line just as well.
"""

from ml_collections import ConfigDict

from acme_moe.agents.rainbow import RainbowConfig
from acme_moe.experiments import protocols
from acme_moe.experiments.config import Experiment, to_config_dict
from acme_moe.networks.settings import NetworkConfig


def get_config() -> ConfigDict:
    """The settings, for `--config=configs/rainbow_atari.py`."""
    return to_config_dict(
        Experiment(
            run=protocols.atari_200m("rainbow"),
            agent=RainbowConfig(
                network=NetworkConfig(
                    encoder="impala",
                    tokenizer="per_conv",
                    moe="soft",
                    num_experts=8,
                    expert_width=512,
                    dueling=True,
                    noisy=True,
                    num_atoms=51,
                ),
                replay_ratio=0.25,
                n_step=3,
            ),
        )
    )
