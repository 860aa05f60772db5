"""An agent from outside: DQN's fields but for `double`, and one of its own."""

import dataclasses

from acme_moe.agents import Agent
from acme_moe.agents.config import OnlineAgentConfig

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


TWO_STEP = Agent(TwoStepConfig, "tests.outside_agents:make_builder")
BAD = Agent(int, int)
