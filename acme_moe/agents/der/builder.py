"""The Acme builder of data-efficient Rainbow."""

from __future__ import annotations

from acme_moe.agents.der.config import DERConfig
from acme_moe.agents.rainbow.builder import RainbowBuilder


class DERBuilder(RainbowBuilder[DERConfig]):
    """Rainbow with other settings."""
