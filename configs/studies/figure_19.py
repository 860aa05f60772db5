"""Figure 19: score over wall time."""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

_ENCODERS = {"impala": "Impala", "nature_cnn": "CNN"}


def get_study() -> Study:
    """Rainbow with both encoders and 8 experts, three runs each."""
    return Study(
        name="figure_19",
        title="Wall time, 8 experts",
        form="wall_time",
        games=SUITES["atari_20"],
        num_seeds=3,
        arms=tuple(
            arm
            for encoder, label in _ENCODERS.items()
            for arm in catalogue.arms(
                (catalogue.RAINBOW,),
                (catalogue.BASELINE, catalogue.SOFT_MOE, catalogue.TOP1_MOE),
                {"network.encoder": encoder},
                panel=f"{{agent}}, {label}",
                tag=encoder,
            )
        ),
    )
