"""Figure 10: returns of three games whose networks are looked into."""

from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """Rainbow with 8 experts for 50 M frames, the length of the figure's axes."""
    return Study(
        name="figure_10",
        title="Games of the analysis, 8 experts",
        form="games",
        games=("Asterix", "Pong", "SpaceInvaders"),
        settings={
            "max_agent_steps": 12_500_000,
            "diagnostics.every": 250_000,
            "diagnostics.definitions": "authors",
        },
        arms=catalogue.arms(
            (catalogue.RAINBOW,),
            (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
        ),
    )
