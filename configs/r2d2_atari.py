"""R2D2 with a Soft MoE before its LSTM, on Atari.

What is written here is what one usually varies; every other field of
`acme_moe/agents/r2d2/config.py` and of `RunConfig` in
`acme_moe/experiments/config.py` can be set from the command line just as well.
"""

from ml_collections import ConfigDict

from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.experiments import protocols
from acme_moe.experiments.config import Experiment, to_config_dict
from acme_moe.networks.settings import NetworkConfig


def get_config() -> ConfigDict:
    """The settings, for `--config=configs/r2d2_atari.py`."""
    return to_config_dict(
        Experiment(
            run=protocols.atari_200m("r2d2"),
            agent=R2D2Config(
                network=NetworkConfig(
                    encoder="impala",
                    tokenizer="per_conv",
                    moe="soft",
                    num_experts=8,
                    expert_width=512,
                    dueling=True,
                ),
                replay_ratio=0.003125,
                burn_in_length=40,
                trace_length=80,
                sequence_period=40,
                n_step=5,
            ),
        )
    )
