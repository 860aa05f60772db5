"""Figure 4: do mixtures keep their advantage at higher replay ratios?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study


def get_study() -> Study:
    """Replay ratios from 0.25 to 2, without a mixture and with Soft MoE."""
    return Study(
        name="figure_4",
        title="Replay ratio, 8 experts",
        form="scaling",
        x_label="Replay ratio",
        games=SUITES["atari_20"],
        arms=tuple(
            arm
            for ratio in (0.25, 0.5, 1.0, 2.0)
            for arm in catalogue.arms(
                (catalogue.DQN, catalogue.RAINBOW),
                (catalogue.BASELINE, catalogue.SOFT_MOE),
                {"replay_ratio": ratio},
                x=ratio,
            )
        ),
    )
