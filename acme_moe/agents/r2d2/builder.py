"""The Acme builder of R2D2."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.r2d2.config import R2D2Config
from acme_moe.agents.r2d2.items import Sequences
from acme_moe.networks import RecurrentNetwork


class R2D2Builder(OnlineBuilder[R2D2Config]):
    """R2D2: a recurrent network, trained on prioritised sequences."""

    items_type = Sequences

    @property
    def priority_exponent(self) -> float:
        """Sequences are sampled in proportion to this power of their priority."""
        return self.config.priority_exponent

    def make_objective(self, network: RecurrentNetwork) -> learning.Objective:
        """Returns rescaled n-step double Q-learning after a burn-in."""
        config = self.config
        return learning.recurrent_q_learning(
            network,
            burn_in_length=config.burn_in_length,
            discount=config.discount,
            n_step=config.n_step,
            importance_exponent=config.importance_exponent,
            max_priority_weight=config.max_priority_weight,
        )
