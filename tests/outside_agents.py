"""Agents from outside, each with fields of its own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe.agents import Agent
from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.agents.dqn import DQNConfig
from acme_moe.options import Options

VALUE = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwoStepConfig(OnlineAgentConfig):
    """Settings."""

    n_step: int = 2
    adam_epsilon: float = 0.01
    bonus: float = 0.0


def make_builder(config):
    """A builder of DQN on those settings."""
    from acme_moe import learning
    from acme_moe.agents.builder import OnlineBuilder

    class Builder(OnlineBuilder):
        """Q-learning with the loss of another package."""

        def make_objective(self, network):
            return learning.q_learning(
                network,
                discount=self.config.discount,
                loss="tests.outside_parts:log_cosh",
            )

    return Builder(config)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PowerConfig(DQNConfig):
    """Settings whose default loss has options."""

    loss: str = "tests.outside_parts:Power"
    loss_options: Mapping[str, Any] = Options({"exponent": 2.0})


@dataclasses.dataclass(frozen=True, kw_only=True)
class OtherLossesConfig(OnlineAgentConfig):
    """Settings with a field whose name is that of a loss's options."""

    loss: str = "mine"
    loss_options: tuple[int, ...] = (1, 2)


TWO_STEP = Agent(TwoStepConfig, "tests.outside_agents:make_builder")
POWER = Agent(PowerConfig, "acme_moe.agents.dqn.builder:DQNBuilder")
OTHER_LOSSES = Agent(OtherLossesConfig, "tests.outside_agents:make_builder")
BAD = Agent(int, int)
