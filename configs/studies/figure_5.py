"""Figure 5: do experts have to be as wide as the layer that they replace?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

_WHOLE = catalogue.Layer("Soft MoE, unchanged", {"network.moe": "soft"})
_DIVIDED = catalogue.Layer(
    "Soft MoE, width / experts",
    {"network.moe": "soft", "network.divide_expert_width": True},
)


def get_study() -> Study:
    """Rainbow with 1 to 8 experts of 512 units, and of 512 units altogether."""
    return Study(
        name="figure_5",
        title="Width of the experts",
        form="scaling",
        x_label="Number of experts",
        games=SUITES["atari_20"],
        arms=tuple(
            arm
            for experts in (1, 2, 4, 8)
            for arm in catalogue.arms(
                (catalogue.RAINBOW,),
                (catalogue.SCALED_BASELINE, _WHOLE, _DIVIDED),
                {"network.num_experts": experts},
                x=experts,
            )
        ),
    )
