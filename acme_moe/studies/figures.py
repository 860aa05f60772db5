"""The studies by name: figures 1 and 4 to 19 of the paper, others, and any by path."""

from __future__ import annotations

from pathlib import Path

from acme_moe import files, validation
from acme_moe.environments import GAME_SETS, find_suite
from acme_moe.studies.catalogue import (
    BASELINE,
    CQL,
    CQL_C51,
    DER_50M,
    DQN,
    DQN_MINATAR,
    DRQ_EPS_50M,
    RAINBOW,
    RAINBOW_MINATAR,
    SCALED_BASELINE,
    SOFT_MOE,
    TOKENIZERS,
    TOP1_MOE,
    Layer,
    arms,
    arms_in_panels,
    arms_over,
    varied,
)
from acme_moe.studies.related_papers import RELATED_STUDIES
from acme_moe.studies.study import Study

_ATARI_20 = GAME_SETS["atari_20"]
_OFFLINE_17 = GAME_SETS["offline_17"]
_THREE = (BASELINE, TOP1_MOE, SOFT_MOE)
# The length of the axes of several figures: 50 M frames.
_50M_FRAMES = {"max_agent_steps": 12_500_000}

# Figure 5: experts of 512 units, and of 512 units altogether.
_WHOLE = Layer("Soft MoE, unchanged", {"network.moe": "soft"})
_DIVIDED = Layer(
    "Soft MoE, width / experts",
    {"network.moe": "soft", "network.divide_expert_width": True},
)
# Figure 6: what a token is.
_TOKENIZED = varied((SOFT_MOE, TOP1_MOE), TOKENIZERS)
_RANDOM_PHI = Layer(
    "Soft MoE, random Phi", {"network.moe": "soft", "network.phi": "fixed"}
)
# Figure 9: the paper gives no weights; those of the authors' code. Riquelme et al.
# (2021), appendix A, have 0.005.
_BALANCED = Layer(
    "Top1-MoE, load balancing",
    {
        "network.moe": "top1",
        "network.importance_weight": 1.0,
        "network.load_weight": 1.0,
    },
)
# Figures 13 to 15: what an expert is, without and with l2 normalisation.
_VARIANTS = [
    Layer(
        f"{name}, normalised" if normalised else name,
        {"network.moe": "soft", **settings, "network.normalization": normalised},
    )
    for name, settings in (
        ("Big", {"network.variant": "big", "network.tokenizer": "per_samp"}),
        ("Regular", {"network.variant": "regular"}),
        ("All", {"network.variant": "all", "network.tokenizer": "per_samp"}),
    )
    for normalised in (False, True)
]

_STUDIES = (
    # Does the score grow with the number of experts?
    Study(
        name="figure_1",
        title="Number of experts",
        form="scaling",
        x_label="Number of experts",
        games=_ATARI_20,
        arms=arms_over(
            "network.num_experts",
            (1, 2, 4, 8),
            (DQN, RAINBOW),
            (SCALED_BASELINE, SOFT_MOE, TOP1_MOE),
        ),
    ),
    # Do mixtures keep their advantage at higher replay ratios?
    Study(
        name="figure_4",
        title="Replay ratio, 8 experts",
        form="scaling",
        x_label="Replay ratio",
        games=_ATARI_20,
        arms=arms_over(
            "replay_ratio", (0.25, 0.5, 1.0, 2.0), (DQN, RAINBOW), (BASELINE, SOFT_MOE)
        ),
    ),
    # Do experts have to be as wide as the layer that they replace?
    Study(
        name="figure_5",
        title="Width of the experts",
        form="scaling",
        x_label="Number of experts",
        games=_ATARI_20,
        arms=arms_over(
            "network.num_experts",
            (1, 2, 4, 8),
            (RAINBOW,),
            (SCALED_BASELINE, _WHOLE, _DIVIDED),
        ),
    ),
    # What should a token be?
    Study(
        name="figure_6",
        title="Tokenization, 8 experts",
        games=_ATARI_20,
        arms=arms((RAINBOW,), _TOKENIZED),
    ),
    # Do mixtures help behind the encoder of Mnih et al. (2015), too?
    Study(
        name="figure_7",
        title="CNN encoder, 8 experts",
        games=_ATARI_20,
        arms=arms((DQN, RAINBOW), _THREE, {"network.encoder": "nature_cnn"}),
    ),
    # All games, and a Phi that is not learned; runs on 20 games serve both panels.
    Study(
        name="figure_8",
        title="60 games, and random Phi, 8 experts",
        games=_ATARI_20,
        arms=(
            *arms(
                (RAINBOW,),
                (BASELINE, SOFT_MOE),
                panel="{agent}, 60 games",
                games=GAME_SETS["atari_60"],
            ),
            *arms(
                (RAINBOW,),
                (BASELINE, SOFT_MOE, _RANDOM_PHI),
                panel="{agent}, random Phi",
            ),
        ),
    ),
    # Do load-balancing losses help Top1-MoE?
    Study(
        name="figure_9",
        title="Load balancing, 8 experts",
        games=_ATARI_20,
        arms=arms((DQN, RAINBOW), (BASELINE, TOP1_MOE, _BALANCED)),
    ),
    # Returns of three games whose networks are looked into.
    Study(
        name="figure_10",
        title="Games of the analysis, 8 experts",
        form="games",
        games=("Asterix", "Pong", "SpaceInvaders"),
        settings={
            **_50M_FRAMES,
            "diagnostics.every": 250_000,
            "diagnostics.definitions": "authors",
        },
        arms=arms((RAINBOW,), _THREE),
    ),
    # Fixed data: 2.5 M transitions of each game.
    Study(
        name="figure_11",
        title="Offline, 5 % of the data, 8 experts",
        games=_OFFLINE_17,
        arms=arms((CQL, CQL_C51), _THREE, {"dataset.fraction": 0.05}),
    ),
    # Agents for few data, trained for long.
    Study(
        name="figure_12",
        title="Low-data agents, 8 experts",
        games=GAME_SETS["atari_26"],
        arms=arms((DRQ_EPS_50M, DER_50M), _THREE),
    ),
    # Whole networks or every layer as experts, and normalisation.
    Study(
        name="figure_13",
        title="Expert variants, 8 experts",
        games=_ATARI_20,
        settings=_50M_FRAMES,
        arms=arms((DQN, RAINBOW), _VARIANTS),
    ),
    # The same, game by game; the text gives no length, so it is that of figure 13.
    *(
        Study(
            name=name,
            title=f"Expert variants of {agent.label}, 8 experts",
            games=_ATARI_20,
            form="games",
            settings=_50M_FRAMES,
            arms=arms((agent,), _VARIANTS),
        )
        for name, agent in (("figure_14", DQN), ("figure_15", RAINBOW))
    ),
    # As figure 12, with half the experts.
    Study(
        name="figure_16",
        title="Low-data agents, 4 experts",
        games=GAME_SETS["atari_26"],
        arms=arms((DRQ_EPS_50M, DER_50M), _THREE, {"network.num_experts": 4}),
    ),
    # More of the fixed data: 5 M and 25 M transitions of each game.
    Study(
        name="figure_17",
        title="Offline, 10 % and 50 % of the data, 8 experts",
        games=_OFFLINE_17,
        arms=arms_in_panels(
            "dataset.fraction",
            ((0.1, "10%", "fraction_0.1"), (0.5, "50%", "fraction_0.5")),
            (CQL_C51,),
            _THREE,
        ),
    ),
    # Larger filters. The paper does not name the agent; Rainbow's scores are of the
    # figure's size.
    Study(
        name="figure_18",
        title="Filter size, 8 experts",
        games=_ATARI_20,
        settings=_50M_FRAMES,
        arms=arms_in_panels(
            "network.impala_filter_size",
            ((4, "filters 4x4", "filters_4"), (6, "filters 6x6", "filters_6")),
            (RAINBOW,),
            (BASELINE, SOFT_MOE),
        ),
    ),
    # Score over wall time.
    Study(
        name="figure_19",
        title="Wall time, 8 experts",
        form="wall_time",
        games=_ATARI_20,
        num_seeds=3,
        arms=arms_in_panels(
            "network.encoder",
            (("impala", "Impala", "impala"), ("nature_cnn", "CNN", "nature_cnn")),
            (RAINBOW,),
            (BASELINE, SOFT_MOE, TOP1_MOE),
        ),
    ),
)

FIGURES = {study.name: study for study in _STUDIES}
"""The paper's studies by their names."""

_MINATAR = Study(
    name="minatar_figure_1",
    title="Number of experts, MinAtar",
    form="scaling",
    x_label="Number of experts",
    games=find_suite("minatar").games or (),
    arms=arms_over(
        "network.num_experts",
        (1, 2, 4, 8),
        (DQN_MINATAR, RAINBOW_MINATAR),
        (SCALED_BASELINE, SOFT_MOE, TOP1_MOE),
    ),
)

STUDIES = {**FIGURES, _MINATAR.name: _MINATAR, **RELATED_STUDIES}
"""The paper's studies, its first figure on MinAtar, and those of related papers."""


def load_study(name: str) -> Study:
    """Returns a study by its name, or that of a file of one's own.

    Args:
      name: `figure_1`, `minatar_figure_1`, `bottleneck`, or the path of a `.py` file
        with a `get_study`.

    Raises:
      ValueError: if there is no such study; says which there are.
    """
    path = Path(name)
    if path.suffix != ".py" or not path.exists():
        validation.one_of("study", name, STUDIES, "the path of a .py file")
        return STUDIES[name]
    study = files.load_function(path, "get_study", field="study")()
    if not isinstance(study, Study):
        raise ValueError(f"study: {path} gives {type(study).__name__}, not a Study")
    return study
