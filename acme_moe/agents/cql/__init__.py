"""CQL (Kumar et al. 2020) and CQL+C51 (Kumar et al. 2022), which learn from fixed data.

With other weights of its two losses, CQL is offline DQN or behaviour cloning.
"""

from acme_moe.agents.cql.config import (
    BehaviorCloningConfig,
    CQLC51Config,
    CQLConfig,
    OfflineAgentConfig,
    OfflineDQNConfig,
)

__all__ = [
    "BehaviorCloningConfig",
    "CQLC51Config",
    "CQLConfig",
    "OfflineAgentConfig",
    "OfflineDQNConfig",
]
