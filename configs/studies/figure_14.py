"""Figure 14: the expert variants of DQN, game by game."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue, expert_variants
from acme_moe.studies.study import Study


def get_study() -> Study:
    """The arms of figure 13; the paper's text gives no length, so it is the same."""
    return Study(
        name="figure_14",
        title="Expert variants of DQN, 8 experts",
        games=SUITES["atari_20"],
        form="games",
        settings={"max_agent_steps": 12_500_000},
        arms=expert_variants.arms((catalogue.DQN,)),
    )
