"""Data-efficient Rainbow (van Hasselt et al. 2019): Rainbow for few agent steps."""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.der.config import DERConfig

if TYPE_CHECKING:
    from acme_moe.agents.der.builder import DERBuilder

__all__ = ["DERBuilder", "DERConfig"]

__getattr__ = lazy.attributes(__name__, {"DERBuilder": f"{__name__}.builder"})
