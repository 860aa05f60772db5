"""Settings of a run on a real game that takes seconds."""

import dataclasses

from acme_moe.agents.dqn import DQNConfig
from acme_moe.experiments.config import Experiment, RunConfig
from acme_moe.networks.settings import NetworkConfig

NETWORK = NetworkConfig(encoder="nature_cnn", moe="soft", num_experts=2, expert_width=8)


def experiment(run=None, agent=None):
    """An experiment of 300 agent steps; `run` and `agent` change fields."""
    return Experiment(
        run=dataclasses.replace(
            RunConfig(
                game="Pong",
                max_agent_steps=300,
                evaluation_every=200,
                evaluation_episodes=1,
                log_every_seconds=1e-6,
            ),
            **(run or {}),
        ),
        agent=dataclasses.replace(
            DQNConfig(network=NETWORK, min_replay_size=100, batch_size=4, n_step=2),
            **(agent or {}),
        ),
    )


def flags(experiment_):
    """The command line of an experiment, field by field."""
    from acme_moe.experiments.config import to_config_dict

    def walk(prefix, values):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from walk(f"{prefix}{name}.", value)
            elif value is not None and not isinstance(value, tuple):
                yield f"--config.{prefix}{name}={value}"

    return list(walk("", to_config_dict(experiment_).to_dict()))
