"""Figure 18: larger filters in the Impala encoder."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """Filters of 4x4 and 6x6 for 50 M frames, the length of the figure's axes.

    The paper does not name the agent; Rainbow's scores are of the figure's size.
    """
    return Study(
        name="figure_18",
        title="Filter size, 8 experts",
        games=SUITES["atari_20"],
        settings={"max_agent_steps": 12_500_000},
        arms=tuple(
            arm
            for size in (4, 6)
            for arm in catalogue.arms(
                (catalogue.RAINBOW,),
                (catalogue.BASELINE, catalogue.SOFT_MOE),
                {"network.impala_filter_size": size},
                panel=f"{{agent}}, filters {size}x{size}",
                tag=f"filters_{size}",
            )
        ),
    )
