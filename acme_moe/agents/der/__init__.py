"""Data-efficient Rainbow (van Hasselt et al. 2019): Rainbow for few agent steps.

`acme_moe.agents.rainbow.RainbowBuilder` builds it: only the settings differ.
"""

from acme_moe.agents.der.config import DERConfig

__all__ = ["DERConfig"]
