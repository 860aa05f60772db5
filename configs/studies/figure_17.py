"""Figure 17: more of the fixed data, 10 % and 50 %."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """CQL+C51 with 8 experts on 5 M and 25 M transitions of each of 17 games."""
    return Study(
        name="figure_17",
        title="Offline, 10 % and 50 % of the data, 8 experts",
        games=SUITES["offline_17"],
        arms=tuple(
            arm
            for fraction in (0.1, 0.5)
            for arm in catalogue.arms(
                (catalogue.CQL_C51,),
                (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
                {"dataset.fraction": fraction},
                panel=f"{{agent}}, {fraction:.0%}",
                tag=f"fraction_{fraction:g}",
            )
        ),
    )
