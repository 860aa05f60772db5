"""R2D2 (Kapturowski et al. 2019): recurrent, on prioritised sequences."""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.r2d2.config import R2D2Config

if TYPE_CHECKING:
    from acme_moe.agents.r2d2.builder import R2D2Builder

__all__ = ["R2D2Builder", "R2D2Config"]

__getattr__ = lazy.attributes(__name__, {"R2D2Builder": f"{__name__}.builder"})
