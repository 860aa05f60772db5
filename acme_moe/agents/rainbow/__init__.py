"""Rainbow (Hessel et al. 2018), as the paper trains it: all six parts."""

from acme_moe.agents.rainbow.config import RainbowConfig

__all__ = ["RainbowConfig"]
