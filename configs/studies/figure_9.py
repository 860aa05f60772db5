"""Figure 9: do load-balancing losses help Top1-MoE?"""

from acme_moe.environments import SUITES
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

# Half importance, half load, times 0.01: appendix A of Riquelme et al. (2021). The MoE
# paper gives no weights of its own.
_BALANCED = catalogue.Layer(
    "Top1-MoE, load balancing",
    {
        "network.moe": "top1",
        "network.importance_weight": 0.005,
        "network.load_weight": 0.005,
    },
)


def get_study() -> Study:
    """DQN and Rainbow with Top1-MoE of 8 experts, with and without the losses."""
    return Study(
        name="figure_9",
        title="Load balancing, 8 experts",
        games=SUITES["atari_20"],
        arms=catalogue.arms(
            (catalogue.DQN, catalogue.RAINBOW),
            (catalogue.BASELINE, catalogue.TOP1_MOE, _BALANCED),
        ),
    )
