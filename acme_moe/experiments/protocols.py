"""The protocols that Atari agents are trained and evaluated by."""

from __future__ import annotations

from acme_moe.environments import AtariConfig
from acme_moe.experiments.config import RunConfig

# Kaiser et al. (2020): no sticky actions; episodes that end with each life, as in the
# implementations of van Hasselt et al. (2019) and Agarwal et al. (2021), and the no-ops
# of the latter, without which a greedy policy plays one game again and again.
_DATA_EFFICIENT = AtariConfig(
    sticky_action_probability=0.0, terminal_on_life_loss=True, max_noop_starts=30
)


def atari_200m(agent: str) -> RunConfig:
    """200 M frames with sticky actions (Machado et al., 2018).

    Args:
      agent: a name of `acme_moe.agents.AGENTS`.
    """
    return RunConfig(agent=agent, max_agent_steps=50_000_000, evaluation_every=250_000)


def atari_100k(agent: str) -> RunConfig:
    """100,000 agent steps, and 100 evaluation episodes at their end.

    Kaiser et al. (2020); the number of episodes is that of Agarwal et al. (2021).

    Args:
      agent: a name of `acme_moe.agents.AGENTS`.
    """
    return RunConfig(
        agent=agent,
        max_agent_steps=100_000,
        evaluation_every=10_000,
        evaluation_episodes=10,
        final_evaluation_episodes=100,
        environment=_DATA_EFFICIENT,
    )


def atari_100k_for_50m_steps(agent: str) -> RunConfig:
    """The environment of `atari_100k` for 50 M agent steps.

    Section 5.2 of the MoE paper, which trains the data-efficient agents for longer.

    Args:
      agent: a name of `acme_moe.agents.AGENTS`.
    """
    return RunConfig(
        agent=agent,
        max_agent_steps=50_000_000,
        evaluation_every=250_000,
        final_evaluation_episodes=100,
        environment=_DATA_EFFICIENT,
    )
