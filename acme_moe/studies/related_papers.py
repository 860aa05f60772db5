"""Studies of what other papers say about the paper's mixtures, each after one of them.

docs/studies.md says which of their figures were read. `bottleneck` compares all of the
layers with each other, and is no figure of a paper.
"""

from __future__ import annotations

from acme_moe.environments import GAME_SETS, find_suite
from acme_moe.studies.catalogue import (
    BASELINE,
    BTR,
    CQL,
    CQL_C51,
    DQN,
    DQN_MINATAR,
    EXPERT_CHOICE,
    GAP,
    RAINBOW,
    RAINBOW_MINATAR,
    SCALED_BASELINE,
    SIMPLICIAL_V1,
    SIMPLICIAL_V2,
    SOFT_MOE,
    TOKENIZERS,
    TOP1_MOE,
    Layer,
    Variants,
    arms,
    arms_in_panels,
    arms_over,
    varied,
)
from acme_moe.studies.derived import UNITS, EqualSize, OneExpert
from acme_moe.studies.study import Arm, Study, StudyAgent

_ATARI_20 = GAME_SETS["atari_20"]
_EXPERTS = (1, 2, 4, 8)
_WIDE_GAP = Layer("GAP, widened", {**GAP.settings, "network.widen_dense": True})
_SOFT_OF_8 = {
    **SOFT_MOE.settings,
    "network.dense": "flatten",
    "network.num_experts": 8,
}


def _one_expert(num_experts: int) -> Layer:
    """Returns a Soft MoE of one expert with the width of several."""
    return Layer("Single expert, scaled", SOFT_MOE.settings, OneExpert(num_experts))


# Sokar et al. (2025), "Don't flatten, tokenize!": tokens without routing, and routing
# with other tokens, all with the units of 8 experts.
_TOKENS = (
    SCALED_BASELINE,
    *(
        Layer(
            f"{label} over tokens, {tokens}",
            {
                "network.moe": "none",
                "network.dense": dense,
                **TOKENIZERS[tokens],
                "network.widen_dense": True,
            },
        )
        for dense, label in (("token_sum", "Sum"), ("token_mean", "Mean"))
        for tokens in ("PerConv", "PerFeat")
    ),
    *varied((Layer("Single expert", SOFT_MOE.settings, OneExpert(8)),), TOKENIZERS),
    SOFT_MOE,
    EXPERT_CHOICE,
)

# Farebrother et al. (2024): bins between -10 and 10, as 51 atoms in their middle; and,
# where DQN learns by classification, the optimiser's settings of their tables B.2, B.3.
_ATOMS = {"network.num_atoms": 51, "network.v_max": 10 * 50 / 51}
_DQN_BY_CLASSES = {**_ATOMS, "learning_rate": 2.5e-4, "adam_epsilon": 3.125e-4}


_LOSSES_OF_DQN: Variants = {
    "MSE": {"loss": "squared"},
    "Two-Hot": {"loss": "two_hot", **_DQN_BY_CLASSES},
    "HL-Gauss": {"loss": "hl_gauss", **_DQN_BY_CLASSES},
}
# As `labs/offline_rl/jax/configs/jax_classy_cql.gin` of Dopamine has it.
_CLASSY_CQL = {"learning_rate": 6.25e-5, "double": True}
_LOSSES_OF_CQL: Variants = {
    "MSE": {"loss": "squared", **_CLASSY_CQL},
    "Two-Hot": {"loss": "two_hot", **_CLASSY_CQL, **_ATOMS},
    "HL-Gauss": {"loss": "hl_gauss", **_CLASSY_CQL, **_ATOMS},
}
_LOSSES_OF_C51: Variants = {
    "C51": {"loss": "c51"},
    "Two-Hot": {"loss": "two_hot", **_ATOMS},
    "HL-Gauss": {"loss": "hl_gauss", **_ATOMS},
}
# 10 % of the data, 6.25 M updates with the CNN.
_OFFLINE = {
    "dataset.fraction": 0.1,
    "num_iterations": 100,
    "network.encoder": "nature_cnn",
}

_MUNCHAUSEN = {"munchausen.alpha": 0.9}
# As M-IQN in the authors' configuration, whose policy draws 32 quantiles; here one
# number serves all.
_IQN = {
    "loss": "quantile",
    "network.num_quantiles": 64,
    "learning_rate": 5e-5,
    "adam_epsilon": 3.125e-4,
}
_TARGETS: Variants = {
    "DQN": {},
    "M-DQN": _MUNCHAUSEN,
    "IQN": _IQN,
    "M-IQN": {**_IQN, **_MUNCHAUSEN},
}

_PRUNING = {
    "pruning.start": 10_000_000,
    "pruning.end": 40_000_000,
    "pruning.period": 4_000,
}
_PRUNED = Layer("Pruned to 5 %", {**BASELINE.settings, "pruning.sparsity": 0.95})

# The authors' encoder normalises its layers, and so does the baseline of their PQN.
_NORMALISED_CNN = tuple(
    layer._replace(settings={**layer.settings, "network.encoder": "nature_cnn"})
    for layer in (BASELINE, GAP, SOFT_MOE)
)

# Clark et al. (2024): what each part of BTR brings, and layer normalisation, which they
# add to it.
_BTR = (
    BASELINE,
    *(
        Layer(label, {**BASELINE.settings, **settings})
        for label, settings in (
            ("No Munchausen targets", {"munchausen.alpha": 0.0}),
            (
                "No quantiles",
                {"loss": "squared", "network.num_quantiles": None},
            ),
            ("No spectral normalisation", {"network.impala_spectral_norm": False}),
            ("No max pooling", {"network.impala_max_pool": None}),
            (
                "CNN",
                {
                    "network.encoder": "nature_cnn",
                    "network.impala_spectral_norm": False,
                    "network.impala_max_pool": None,
                },
            ),
            ("Layer normalisation", {"network.layer_norm": True}),
        )
    ),
    GAP,
    SOFT_MOE,
)


def _bottleneck(agents: tuple[StudyAgent, ...], unit: str) -> tuple[Arm, ...]:
    """Returns all layers at the size of Soft MoE of 8 experts, and two at their own."""
    equal = EqualSize(unit, _SOFT_OF_8)
    one = Layer("Single expert", {**SOFT_MOE.settings, "network.num_experts": 1})
    dense = Layer("Dense, equal", BASELINE.settings)
    layers = (
        dense,
        GAP,
        one,
        TOP1_MOE,
        EXPERT_CHOICE,
        SIMPLICIAL_V1,
        SIMPLICIAL_V2,
    )
    panel = f"{{agent}}, equal {unit}"
    return (
        *arms(agents, (BASELINE, SCALED_BASELINE, SOFT_MOE), panel=panel),
        *arms(
            agents,
            (layer._replace(derive=equal) for layer in layers),
            panel=panel,
            tag=f"equal_{unit}",
        ),
    )


_STUDIES = (
    # Sokar and Castro (2025), "Mind the GAP!": their comparison of layers that grow,
    # Rainbow with Impala at one to eight times the width.
    Study(
        name="gap",
        title="Global average pooling",
        form="scaling",
        x_label="Width of the layer, or number of experts",
        games=_ATARI_20,
        arms=arms_over(
            "network.num_experts",
            _EXPERTS,
            (DQN, RAINBOW),
            (SCALED_BASELINE, _WIDE_GAP, SOFT_MOE),
        ),
    ),
    # Sokar et al. (2025), figure 1 and its like: is it the experts?
    Study(
        name="single_expert",
        title="One scaled expert",
        form="scaling",
        x_label="Number of experts, or width of one",
        games=_ATARI_20,
        arms=tuple(
            arm
            for num_experts in _EXPERTS
            for arm in arms(
                (RAINBOW,),
                # One expert with the width of one is a Soft MoE of one.
                (SCALED_BASELINE, SOFT_MOE, _one_expert(num_experts))[
                    : 2 if num_experts == 1 else 3
                ],
                {"network.num_experts": num_experts},
                x=num_experts,
            )
        ),
    ),
    # The same paper, figures 5 and 7: is it the tokens, and which?
    Study(
        name="tokens",
        title="Tokens without routing, 8 experts",
        games=_ATARI_20,
        arms=arms((RAINBOW,), _TOKENS),
    ),
    # Farebrother et al. (2024), figure 5, which has DQN, MSE and HL-Gauss.
    Study(
        name="hl_gauss",
        title="Values by classification",
        form="scaling",
        x_label="Number of experts",
        games=_ATARI_20,
        arms=tuple(
            arm
            for agent, losses in ((DQN, _LOSSES_OF_DQN), (RAINBOW, _LOSSES_OF_C51))
            for arm in arms_over(
                "network.num_experts",
                _EXPERTS,
                (agent,),
                varied((SCALED_BASELINE, SOFT_MOE), losses),
            )
        ),
    ),
    # The same paper, figure 4 (right), which has no mixtures.
    Study(
        name="hl_gauss_offline",
        title="Values by classification, 10 % of the data, 8 experts",
        games=GAME_SETS["offline_17"],
        num_seeds=3,
        settings=_OFFLINE,
        arms=(
            *arms((CQL,), varied((BASELINE, SOFT_MOE), _LOSSES_OF_CQL)),
            *arms((CQL_C51,), varied((BASELINE, SOFT_MOE), _LOSSES_OF_C51)),
        ),
    ),
    # Vieillard et al. (2020), their comparison of agents, here with each layer.
    Study(
        name="munchausen",
        title="Munchausen targets and implicit quantiles, 8 experts",
        games=_ATARI_20,
        arms=arms((DQN,), varied((BASELINE, SOFT_MOE), _TARGETS)),
    ),
    # The types of layers in the folder of the MoE paper's authors, `labs/moes`.
    Study(
        name="simplicial",
        title="Simplicial embeddings, 8 experts",
        games=_ATARI_20,
        arms=arms((DQN, RAINBOW), (BASELINE, SIMPLICIAL_V1, SIMPLICIAL_V2, SOFT_MOE)),
    ),
    # Kooi et al. (2025), with the comparison that they do not have.
    Study(
        name="hadamax",
        title="Hadamax encoder, 8 experts",
        games=_ATARI_20,
        arms=(
            *arms_in_panels(
                "network.encoder",
                (
                    ("nature_cnn", "CNN", "nature_cnn"),
                    ("hadamax", "Hadamax", "hadamax"),
                ),
                (DQN, RAINBOW),
                (BASELINE, GAP, SOFT_MOE),
            ),
            *arms_in_panels(
                "network.layer_norm",
                ((True, "CNN with layer normalisation", "normalised_cnn"),),
                (DQN, RAINBOW),
                _NORMALISED_CNN,
            ),
        ),
    ),
    # Clark et al. (2024), figure 5, as far as BTR is here.
    Study(
        name="btr",
        title="Parts of BTR",
        games=_ATARI_20,
        arms=arms((BTR,), _BTR),
        # The preset's 64 do not divide each scale's length; the replay ratio stays.
        settings={"num_environments": 16},
    ),
    # Obando-Ceron et al. (2024), figure 1: wider encoders, pruned and not.
    Study(
        name="pruning",
        title="Gradual magnitude pruning",
        form="scaling",
        x_label="Factor on the encoder's channels",
        games=_ATARI_20,
        settings=_PRUNING,
        arms=arms_over(
            "network.impala_width", (1, 3, 5), (DQN, RAINBOW), (BASELINE, _PRUNED)
        ),
    ),
    *(
        Study(
            name=name,
            title="Between encoder and head, at equal parameters and at equal FLOPs",
            games=games,
            arms=tuple(arm for unit in UNITS for arm in _bottleneck(agents, unit)),
        )
        for name, agents, games in (
            ("bottleneck", (DQN, RAINBOW), _ATARI_20),
            (
                "minatar_bottleneck",
                (DQN_MINATAR, RAINBOW_MINATAR),
                find_suite("minatar").games or (),
            ),
        )
    ),
)

RELATED_STUDIES = {study.name: study for study in _STUDIES}
"""The studies by their names."""
