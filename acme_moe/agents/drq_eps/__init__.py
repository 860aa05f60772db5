"""DrQ(eps): DrQ (Yarats et al. 2021) as Agarwal et al. (2021) correct it."""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.drq_eps.config import DrQEpsConfig

if TYPE_CHECKING:
    from acme_moe.agents.drq_eps.builder import DrQEpsBuilder

__all__ = ["DrQEpsBuilder", "DrQEpsConfig"]

__getattr__ = lazy.attributes(__name__, {"DrQEpsBuilder": f"{__name__}.builder"})
