"""Figure 8: all 60 games, and a Phi that is random and not learned."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

_RANDOM_PHI = catalogue.Layer(
    "Soft MoE, random Phi", {"network.moe": "soft", "network.phi": "fixed"}
)


def get_study() -> Study:
    """Rainbow with 8 experts; the runs on 20 of the games serve both panels."""
    both = (catalogue.BASELINE, catalogue.SOFT_MOE)
    return Study(
        name="figure_8",
        title="60 games, and random Phi, 8 experts",
        games=SUITES["atari_20"],
        arms=(
            *catalogue.arms(
                (catalogue.RAINBOW,),
                both,
                panel="{agent}, 60 games",
                games=SUITES["atari_60"],
            ),
            *catalogue.arms(
                (catalogue.RAINBOW,), (*both, _RANDOM_PHI), panel="{agent}, random Phi"
            ),
        ),
    )
