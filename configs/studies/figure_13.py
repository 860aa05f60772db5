"""Figure 13: whole networks or every layer as experts, and normalisation."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue, expert_variants
from acme_moe.studies.study import Study


def get_study() -> Study:
    """DQN and Rainbow for 50 M frames, the length of the figure's axes."""
    return Study(
        name="figure_13",
        title="Expert variants, 8 experts",
        games=SUITES["atari_20"],
        settings={"max_agent_steps": 12_500_000},
        arms=expert_variants.arms((catalogue.DQN, catalogue.RAINBOW)),
    )
