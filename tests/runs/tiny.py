"""Settings of a run on a real game that takes seconds."""

import dataclasses

from acme_moe.agents.dqn import DQNConfig
from acme_moe.environments import AtariConfig
from acme_moe.networks.settings import NetworkConfig
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec

NETWORK = NetworkConfig(encoder="nature_cnn", moe="soft", num_experts=2, expert_width=8)


def atari(max_episode_steps):
    """Short games on a screen whose feature map has 5 x 5 positions."""
    return AtariConfig(max_episode_steps=max_episode_steps, screen_size=36)


def spec(run=None, agent=None):
    """A run of 300 agent steps; `run` and `agent` change fields."""
    return OnlineRunSpec(
        run=dataclasses.replace(
            OnlineRunConfig(
                game="Pong",
                max_agent_steps=300,
                evaluation_every=200,
                evaluation_episodes=1,
                log_every_seconds=1e-6,
                # Longer than the run, so that only evaluations are cut short.
                environment=atari(max_episode_steps=350),
            ),
            **(run or {}),
        ),
        agent=dataclasses.replace(
            DQNConfig(network=NETWORK, min_replay_size=100, batch_size=4, n_step=2),
            **(agent or {}),
        ),
    )


def flags(spec_):
    """The command line of a run, field by field."""
    from acme_moe.runs.config import to_config_dict

    def walk(prefix, values):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from walk(f"{prefix}{name}.", value)
            elif value is not None and not isinstance(value, tuple):
                yield f"--config.{prefix}{name}={value}"

    return list(walk("", to_config_dict(spec_).to_dict()))
