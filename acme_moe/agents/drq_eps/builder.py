"""The Acme builder of DrQ(eps)."""

from __future__ import annotations

from acme_moe import learning
from acme_moe.agents.dqn.builder import DQNBuilder
from acme_moe.agents.drq_eps.config import DrQEpsConfig
from acme_moe.networks import Network


class DrQEpsBuilder(DQNBuilder):
    """DQN with double Q-learning and dueling heads on augmented images."""

    config: DrQEpsConfig

    def make_objective(self, network: Network) -> learning.Objective:
        """Returns DQN's objective, on images that are augmented in each update."""
        return learning.augmented(
            super().make_objective(network),
            crop_padding=self.config.crop_padding,
            intensity_scale=self.config.intensity_scale,
        )
