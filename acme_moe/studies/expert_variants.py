"""The arms of figures 13, 14 and 15: what an expert is, and normalisation."""

from __future__ import annotations

from collections.abc import Iterable

from acme_moe.studies import catalogue
from acme_moe.studies.study import Agent, Arm

_VARIANTS = {
    "Big": {"network.variant": "big", "network.tokenizer": "per_samp"},
    "Regular": {"network.variant": "regular"},
    "All": {"network.variant": "all", "network.tokenizer": "per_samp"},
}


def arms(agents: Iterable[Agent]) -> tuple[Arm, ...]:
    """Soft MoE as Big, Regular and All, without and with l2 normalisation.

    Args:
      agents: what is trained.
    """
    layers = [
        catalogue.Layer(
            f"{name}, normalised" if normalised else name,
            {"network.moe": "soft", **settings, "network.normalization": normalised},
        )
        for name, settings in _VARIANTS.items()
        for normalised in (False, True)
    ]
    return catalogue.arms(agents, layers)
