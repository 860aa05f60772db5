"""CQL (Kumar et al. 2020) and CQL+C51 (Kumar et al. 2022), which learn from fixed data.

With other weights of its two losses, CQL is offline DQN or behaviour cloning.
"""

from typing import TYPE_CHECKING

from acme_moe import lazy
from acme_moe.agents.cql.config import (
    BehaviorCloningConfig,
    CQLC51Config,
    CQLConfig,
    OfflineAgentConfig,
    OfflineDQNConfig,
)

if TYPE_CHECKING:
    from acme_moe.agents.cql.builder import CQLBuilder, CQLC51Builder

__all__ = [
    "BehaviorCloningConfig",
    "CQLBuilder",
    "CQLC51Builder",
    "CQLC51Config",
    "CQLConfig",
    "OfflineAgentConfig",
    "OfflineDQNConfig",
]

__getattr__ = lazy.attributes(
    __name__, dict.fromkeys(("CQLBuilder", "CQLC51Builder"), f"{__name__}.builder")
)
