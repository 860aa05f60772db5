"""Figure 11: fixed data, 5 % of the DQN Replay Dataset."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """CQL and CQL+C51 with 8 experts on 2.5 M transitions of each of 17 games."""
    return Study(
        name="figure_11",
        title="Offline, 5 % of the data, 8 experts",
        games=SUITES["offline_17"],
        arms=catalogue.arms(
            (catalogue.CQL, catalogue.CQL_C51),
            (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
            {"dataset.fraction": 0.05},
        ),
    )
