"""What the arms of the studies set, as the figures' captions and legends have it."""

import pytest

from acme_moe.studies.derived import run_spec
from acme_moe.studies.figures import FIGURES
from tests.studies.plans import plan_of

AGENTS = {
    "DQN": "dqn",
    "Rainbow": "rainbow",
    "DER": "der",
    "DrQ(ε)": "drq_eps",
    "CQL": "cql",
    "CQL+C51": "cql_c51",
}
# Fields of the network, by the line of a figure.
SOFT, TOP1, NONE = {"moe": "soft"}, {"moe": "top1"}, {"moe": "none"}
LINES = {
    "Baseline": {**NONE, "widen_dense": False},
    "Scaled baseline": {**NONE, "widen_dense": True},
    "Soft MoE": {**SOFT, "phi": "learned", "divide_expert_width": False},
    "Top1-MoE": {**TOP1, "importance_weight": 0.0, "load_weight": 0.0},
    "Soft MoE, unchanged": {**SOFT, "divide_expert_width": False},
    "Soft MoE, width / experts": {**SOFT, "divide_expert_width": True},
    "Soft MoE, PerConv": {**SOFT, "tokenizer": "per_conv"},
    "Soft MoE, PerFeat": {**SOFT, "tokenizer": "per_feat"},
    "Soft MoE, PerSamp": {**SOFT, "tokenizer": "per_samp"},
    "Top1-MoE, PerConv": {**TOP1, "tokenizer": "per_conv"},
    "Top1-MoE, PerFeat": {**TOP1, "tokenizer": "per_feat"},
    "Top1-MoE, PerSamp": {**TOP1, "tokenizer": "per_samp"},
    "Soft MoE, random Phi": {**SOFT, "phi": "fixed"},
    "Top1-MoE, load balancing": {**TOP1, "importance_weight": 1.0, "load_weight": 1.0},
}
for name in ("Regular", "Big", "All"):
    variant = {
        **SOFT,
        "variant": name.lower(),
        "tokenizer": "per_conv" if name == "Regular" else "per_samp",
    }
    LINES[name] = {**variant, "normalization": False}
    LINES[f"{name}, normalised"] = {**variant, "normalization": True}

# Agent steps, or updates on fixed data; 200 M frames where a figure ends no earlier.
LENGTHS = {
    **dict.fromkeys(FIGURES, 200_000_000 // 4),
    **dict.fromkeys(("figure_11", "figure_17"), 200 * 62_500),
    **dict.fromkeys(
        ("figure_10", "figure_13", "figure_14", "figure_15", "figure_18"),
        50_000_000 // 4,
    ),
}
# What all arms of a figure have in common beside 8 experts of 512 units behind Impala.
OF_FIGURES = {"figure_7": {"encoder": "nature_cnn"}, "figure_16": {"num_experts": 4}}
# What the second part of a panel's name says of the network.
OF_PANELS = {
    "filters 4x4": {"impala_filter_size": 4},
    "filters 6x6": {"impala_filter_size": 6},
    "CNN": {"encoder": "nature_cnn"},
}
FRACTIONS = {"figure_11": 0.05, "10%": 0.1, "50%": 0.5}


@pytest.mark.parametrize("name", FIGURES)
def test_an_arm_has_the_settings_that_its_place_in_the_figure_stands_for(name):
    for arm in plan_of(name, "paper").arms:
        spec = run_spec(arm.agent.config, {**arm.settings, "game": arm.games[0]})
        label, _, panel = arm.panel.partition(", ")
        assert spec.run.agent == AGENTS[label]
        assert spec.length == LENGTHS[name]
        wanted = {
            "num_experts": 8,
            "expert_width": 512,
            "encoder": "impala",
            "impala_filter_size": 3,
            **LINES[arm.series],
            **OF_FIGURES.get(name, {}),
            **OF_PANELS.get(panel, {}),
        }
        if name in ("figure_1", "figure_5"):
            wanted["num_experts"] = arm.x
        assert {x: getattr(spec.agent.network, x) for x in wanted} == wanted, arm.name
        if name == "figure_4":
            assert spec.agent.replay_ratio == arm.x
        if arm.agent.offline:
            fraction = FRACTIONS.get(panel) or FRACTIONS[name]
            assert spec.run.dataset.fraction == fraction


# Farebrother et al. (2024), whose bins lie between -10 and 10; Vieillard et al. (2020);
# Obando-Ceron et al. (2024).
ATOMS = {"network.num_atoms": 51, "network.v_max": pytest.approx(10 - 20 / 51 / 2)}
OPTIMISER = {"learning_rate": 2.5e-4, "adam_epsilon": 3.125e-4}
IQN = {
    "loss": "quantile",
    "network.num_quantiles": 64,
    "learning_rate": 5e-5,
    "adam_epsilon": 3.125e-4,
}
OFFLINE = {
    "dataset.fraction": 0.1,
    "network.encoder": "nature_cnn",
    "learning_rate": 6.25e-5,
    "double": True,
}


@pytest.mark.parametrize(
    ("study", "arm", "wanted"),
    [
        ("hl_gauss", "dqn-soft_moe_hl_gauss-8", {"loss": "hl_gauss", **ATOMS}),
        ("hl_gauss", "dqn-soft_moe_hl_gauss-8", OPTIMISER),
        ("hl_gauss", "dqn-scaled_baseline_two_hot-1", {"loss": "two_hot", **OPTIMISER}),
        ("hl_gauss", "rainbow-soft_moe_hl_gauss-8", {"loss": "hl_gauss", **ATOMS}),
        ("hl_gauss_offline", "cql-baseline_mse", {"loss": "squared", **OFFLINE}),
        (
            "hl_gauss_offline",
            "cql-baseline_hl_gauss",
            {"loss": "hl_gauss", **OFFLINE, **ATOMS},
        ),
        ("munchausen", "dqn-soft_moe_m_dqn", {"munchausen.alpha": 0.9}),
        ("munchausen", "dqn-soft_moe_iqn", IQN),
        ("munchausen", "dqn-soft_moe_m_iqn", {"munchausen.alpha": 0.9, **IQN}),
        ("pruning", "dqn-pruned_to_5-3", {"pruning.sparsity": 0.95}),
    ],
)
def test_an_arm_of_a_related_paper_has_that_paper_s_numbers(study, arm, wanted):
    (settings,) = (x.settings for x in plan_of(study, "paper").arms if x.name == arm)
    assert {name: settings.get(name) for name in wanted} == wanted
