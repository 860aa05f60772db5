"""Rainbow (Hessel et al. 2018), as the paper trains it: all six parts."""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.rainbow.config import RainbowConfig

if TYPE_CHECKING:
    from acme_moe.agents.rainbow.builder import RainbowBuilder

__all__ = ["RainbowBuilder", "RainbowConfig"]

__getattr__ = lazy.attributes(__name__, {"RainbowBuilder": f"{__name__}.builder"})
