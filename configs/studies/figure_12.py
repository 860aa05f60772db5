"""Figure 12: agents for few data, trained for long."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """DrQ(eps) and DER with 8 experts on 26 games for 50 M agent steps."""
    return Study(
        name="figure_12",
        title="Low-data agents, 8 experts",
        games=SUITES["atari_26"],
        arms=catalogue.arms(
            (catalogue.DRQ_EPS_50M, catalogue.DER_50M),
            (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
        ),
    )
