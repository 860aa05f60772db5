"""Studies of what others say about the paper's mixtures, each after a paper of theirs.

`bottleneck` sets all of it against all, and is no figure of a paper.
"""

from __future__ import annotations

from acme_moe.environments import SUITES, find_suite
from acme_moe.studies.catalogue import (
    BASELINE,
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
    arms,
    arms_in_panels,
    arms_over,
)
from acme_moe.studies.derived import UNITS, EqualSize, OneExpert
from acme_moe.studies.study import Agent, Arm, Study

_ATARI_20 = SUITES["atari_20"]
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
                "network.tokenizer": tokenizer,
                "network.widen_dense": True,
            },
        )
        for dense, label in (("token_sum", "Sum"), ("token_mean", "Mean"))
        for tokenizer, tokens in TOKENIZERS[:2]
    ),
    *(
        Layer(
            f"Single expert, {tokens}",
            {**SOFT_MOE.settings, "network.tokenizer": tokenizer},
            OneExpert(8),
        )
        for tokenizer, tokens in TOKENIZERS
    ),
    SOFT_MOE,
    EXPERT_CHOICE,
)

# Farebrother et al. (2024): bins between -10 and 10, as 51 atoms in their middle.
_ATOMS = {"network.num_atoms": 51, "network.v_max": 10 * 50 / 51}


def _losses(*losses: tuple[str, str]) -> tuple[Layer, ...]:
    """Returns layers that differ in the loss as well, of values or of categories."""
    return tuple(
        Layer(
            f"{layer.series}, {label}",
            {
                **layer.settings,
                "loss": loss,
                **({} if loss == "squared" else _ATOMS),
            },
        )
        for layer in (BASELINE, SOFT_MOE)
        for loss, label in losses
    )


_OF_VALUES = (("squared", "MSE"), ("two_hot", "Two-Hot"), ("hl_gauss", "HL-Gauss"))
_OF_CATEGORIES = (("c51", "C51"), ("two_hot", "Two-Hot"), ("hl_gauss", "HL-Gauss"))

_MUNCHAUSEN = {"munchausen.alpha": 0.9}
_IQN = {"loss": "quantile", "network.num_quantiles": 8}


def _targets(layer: Layer) -> tuple[Layer, ...]:
    """Returns a layer with values or quantiles, and both with Munchausen targets."""
    return tuple(
        Layer(f"{layer.series}, {label}", {**layer.settings, **settings})
        for label, settings in (
            ("DQN", {}),
            ("M-DQN", _MUNCHAUSEN),
            ("IQN", _IQN),
            ("M-IQN", {**_IQN, **_MUNCHAUSEN}),
        )
    )


_PRUNING = {
    "pruning.start": 10_000_000,
    "pruning.end": 40_000_000,
    "pruning.period": 4_000,
}
_PRUNED = Layer("Pruned to 5 %", {**BASELINE.settings, "pruning.sparsity": 0.95})


def _bottleneck(agents: tuple[Agent, ...], unit: str) -> tuple[Arm, ...]:
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
    # Sokar and Castro (2025), "Mind the GAP!": their comparison of layers that grow.
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
    # Sokar et al. (2025): is it the experts?
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
    # The same paper: is it the tokens?
    Study(
        name="tokens",
        title="Tokens without routing, 8 experts",
        games=_ATARI_20,
        arms=arms((RAINBOW,), _TOKENS),
    ),
    # Farebrother et al. (2024), their experiments with Soft MoE, and fixed data.
    Study(
        name="hl_gauss",
        title="Values by classification, 8 experts",
        games=_ATARI_20,
        arms=(
            *arms((DQN,), _losses(*_OF_VALUES)),
            *arms((RAINBOW,), _losses(*_OF_CATEGORIES)),
        ),
    ),
    Study(
        name="hl_gauss_offline",
        title="Values by classification, 5 % of the data, 8 experts",
        games=SUITES["offline_17"],
        arms=(
            *arms((CQL,), _losses(*_OF_VALUES), {"dataset.fraction": 0.05}),
            *arms((CQL_C51,), _losses(*_OF_CATEGORIES), {"dataset.fraction": 0.05}),
        ),
    ),
    # Vieillard et al. (2020): their agents, here with each layer.
    Study(
        name="munchausen",
        title="Munchausen targets and implicit quantiles, 8 experts",
        games=_ATARI_20,
        arms=arms((DQN,), (*_targets(BASELINE), *_targets(SOFT_MOE))),
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
        arms=arms_in_panels(
            "network.encoder",
            (("nature_cnn", "CNN", "nature_cnn"), ("hadamax", "Hadamax", "hadamax")),
            (DQN, RAINBOW),
            (BASELINE, GAP, SOFT_MOE),
        ),
    ),
    # Obando-Ceron et al. (2024): wider encoders, pruned and not.
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
            title="Between encoder and head, at equal size and at equal cost",
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

RELATIVES = {study.name: study for study in _STUDIES}
"""The studies by their names."""
