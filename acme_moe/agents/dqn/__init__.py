"""DQN (Mnih et al. 2015) with Adam and, as in Dopamine, the squared error."""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.dqn.config import DQNConfig

if TYPE_CHECKING:
    from acme_moe.agents.dqn.builder import DQNBuilder

__all__ = ["DQNBuilder", "DQNConfig"]

__getattr__ = lazy.attributes(__name__, {"DQNBuilder": f"{__name__}.builder"})
