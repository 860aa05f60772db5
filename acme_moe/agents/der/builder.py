"""The Acme builder of data-efficient Rainbow."""

from __future__ import annotations

from acme_moe.agents.rainbow.builder import RainbowBuilder

DERBuilder = RainbowBuilder
"""Rainbow's builder: DER differs from Rainbow only in its settings."""
