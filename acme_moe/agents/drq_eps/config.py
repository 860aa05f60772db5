"""Settings of DrQ(eps)."""

from __future__ import annotations

import dataclasses

from acme_moe import validation
from acme_moe.agents.dqn.config import DQNConfig
from acme_moe.networks.settings import NetworkConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrQEpsConfig(DQNConfig):
    """DQN's settings with the values of DrQ(eps), and its augmentation.

    Attributes:
      network: dueling by default.
      loss: Huber's by default, as in Dopamine's DrQ(eps).
      crop_padding: pixels of edge values around an image, from which a crop of the
        image's own size is taken at random; 0 for none.
      intensity_scale: an image is multiplied by one plus this times a standard normal
        draw, which is clipped to [-2, 2]; 0 for none.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    network: NetworkConfig = dataclasses.field(
        default_factory=lambda: NetworkConfig(dueling=True)
    )
    replay_ratio: float = 1.0
    min_replay_size: int = 1_600
    n_step: int = 10
    learning_rate: float = 1e-4
    target_update_period: int = 1
    epsilon_decay_steps: int = 5_000
    loss: str = "huber"
    double: bool = True
    crop_padding: int = 4
    intensity_scale: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.at_least("crop_padding", self.crop_padding, 0)
        validation.at_least("intensity_scale", self.intensity_scale, 0)
