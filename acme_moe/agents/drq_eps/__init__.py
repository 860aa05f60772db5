"""DrQ(eps): DrQ (Yarats et al. 2021) as Agarwal et al. (2021) correct it."""

from acme_moe.agents.drq_eps.config import DrQEpsConfig

__all__ = ["DrQEpsConfig"]
