"""Figure 1: does the score grow with the number of experts?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """DQN and Rainbow with 1 to 8 experts, and dense layers widened as much."""
    return Study(
        name="figure_1",
        title="Number of experts",
        form="scaling",
        x_label="Number of experts",
        games=SUITES["atari_20"],
        arms=tuple(
            arm
            for experts in (1, 2, 4, 8)
            for arm in catalogue.arms(
                (catalogue.DQN, catalogue.RAINBOW),
                (catalogue.SCALED_BASELINE, catalogue.SOFT_MOE, catalogue.TOP1_MOE),
                {"network.num_experts": experts},
                x=experts,
            )
        ),
    )
