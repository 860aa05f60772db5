"""A small DQN with Soft MoE that learns something in a few minutes on two cores.

The network is the paper's with the CNN encoder and narrower experts; warm-up,
exploration and target period are shortened to the length of the run, the learning rate
is higher, and evaluation explores a little, since so young an agent often stands still
without. `configs/dqn_atari.py` has the paper's settings.
"""

from ml_collections import ConfigDict

from acme_moe.agents.dqn import DQNConfig
from acme_moe.experiments.config import Experiment, RunConfig, to_config_dict
from acme_moe.networks.settings import NetworkConfig


def get_config() -> ConfigDict:
    """The settings, for `--config=configs/dqn_demo.py`."""
    return to_config_dict(
        Experiment(
            run=RunConfig(
                agent="dqn",
                game="RoadRunner",
                max_agent_steps=8_000,
                evaluation_every=2_000,
                evaluation_episodes=5,
            ),
            agent=DQNConfig(
                network=NetworkConfig(
                    encoder="nature_cnn", moe="soft", num_experts=4, expert_width=64
                ),
                replay_ratio=0.25,
                min_replay_size=1_000,
                max_replay_size=100_000,
                n_step=3,
                learning_rate=3e-4,
                target_update_period=400,
                epsilon_decay_steps=3_000,
                epsilon=0.05,
                evaluation_epsilon=0.05,
            ),
        )
    )
