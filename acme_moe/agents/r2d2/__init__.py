"""R2D2 (Kapturowski et al. 2019): recurrent, on prioritised sequences."""

from acme_moe.agents.r2d2.config import R2D2Config

__all__ = ["R2D2Config"]
