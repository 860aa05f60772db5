"""Figure 16: agents for few data, trained for long, with half the experts."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """DrQ(eps) and DER with 4 experts on 26 games for 50 M agent steps."""
    return Study(
        name="figure_16",
        title="Low-data agents, 4 experts",
        games=SUITES["atari_26"],
        arms=catalogue.arms(
            (catalogue.DRQ_EPS_50M, catalogue.DER_50M),
            (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
            {"network.num_experts": 4},
        ),
    )
