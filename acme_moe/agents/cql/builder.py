"""The Acme builders of CQL and CQL+C51."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.builder import OfflineBuilder
from acme_moe.agents.cql.config import CQLC51Config, CQLConfig
from acme_moe.networks import Network


class CQLBuilder(OfflineBuilder[CQLConfig]):
    """CQL, and with other weights offline DQN and behaviour cloning."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns Q-learning and the conservative loss."""
        return learning.q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            loss_options=self.config.loss_options,
            double=self.config.double,
            td_weight=self.config.td_weight,
            conservative_weight=self.config.conservative_weight,
        )


class CQLC51Builder(OfflineBuilder[CQLC51Config]):
    """CQL+C51."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns the cross-entropy and the conservative loss on its expectations."""
        return learning.categorical_q_learning(
            network,
            discount=self.config.discount,
            loss=self.config.loss,
            loss_options=self.config.loss_options,
            td_weight=self.config.td_weight,
            conservative_weight=self.config.conservative_weight,
        )
