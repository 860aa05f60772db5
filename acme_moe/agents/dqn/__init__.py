"""DQN (Mnih et al. 2015), as the paper trains it: Huber loss, Adam, uniform replay."""

from acme_moe.agents.dqn.config import DQNConfig

__all__ = ["DQNConfig"]
