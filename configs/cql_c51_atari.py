"""CQL+C51 with a Soft MoE penultimate layer on the DQN Replay Dataset.

Section 5.1 of the paper: 5, 10 or 50 % of the set of one game, 200 iterations of
62,500 updates. `--config.dataset.path` has to be given: a published set, or what
`--config.record` wrote; `--config.dataset.num_files=50` refuses one that is not all
there. Every other field of `acme_moe/agents/cql/config.py` and of `OfflineRunConfig`
in `acme_moe/experiments/config.py` can be set from the command line just as well.
"""

from ml_collections import ConfigDict

from acme_moe.agents.cql import CQLC51Config
from acme_moe.experiments.config import (
    OfflineExperiment,
    OfflineRunConfig,
    to_config_dict,
)
from acme_moe.networks.settings import NetworkConfig
from acme_moe.offline import DatasetConfig


def get_config() -> ConfigDict:
    """The settings, for `--config=configs/cql_c51_atari.py`."""
    return to_config_dict(
        OfflineExperiment(
            run=OfflineRunConfig(
                agent="cql_c51",
                num_iterations=200,
                updates_per_iteration=62_500,
                dataset=DatasetConfig(fraction=0.05),
            ),
            agent=CQLC51Config(
                network=NetworkConfig(
                    encoder="impala",
                    tokenizer="per_conv",
                    moe="soft",
                    num_experts=8,
                    expert_width=512,
                    dueling=True,
                    num_atoms=51,
                ),
                conservative_weight=0.1,
            ),
        )
    )
