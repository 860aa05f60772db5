"""DQN (Mnih et al. 2015), as the paper trains it: squared error, Adam."""

from acme_moe.agents.dqn.config import DQNConfig

__all__ = ["DQNConfig"]
