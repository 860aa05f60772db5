"""The Acme builder of DrQ(eps)."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.drq_eps.config import DrQEpsConfig
from acme_moe.networks import Network


class DrQEpsBuilder(OnlineBuilder[DrQEpsConfig]):
    """DQN with double Q-learning and dueling heads on augmented images."""

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns Q-learning on images that are augmented at each update."""
        config = self.config
        return learning.augmented(
            learning.q_learning(
                network,
                discount=config.discount,
                loss=config.loss,
                double=config.double,
                munchausen=config.munchausen,
            ),
            crop_padding=config.crop_padding,
            intensity_scale=config.intensity_scale,
        )
