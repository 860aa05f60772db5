"""Figure 7: do mixtures help behind the CNN encoder, too?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """DQN and Rainbow with the encoder of Mnih et al. (2015) and 8 experts."""
    return Study(
        name="figure_7",
        title="CNN encoder, 8 experts",
        games=SUITES["atari_20"],
        arms=catalogue.arms(
            (catalogue.DQN, catalogue.RAINBOW),
            (catalogue.BASELINE, catalogue.TOP1_MOE, catalogue.SOFT_MOE),
            {"network.encoder": "nature_cnn"},
        ),
    )
