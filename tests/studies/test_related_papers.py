"""The studies of related papers: their settings, and widths at equal size."""

import itertools
from pathlib import Path

import pytest

from acme_moe.runs.assembly import network_totals
from acme_moe.studies import catalogue
from acme_moe.studies.derived import UNITS, EqualSize, OneExpert, run_spec
from acme_moe.studies.plan_file import read_plan, write_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.related_papers import RELATED_STUDIES
from acme_moe.studies.scales import SCALES
from tests.studies.plans import plan_of

SETTINGS = {"game": "Breakout", "network.num_experts": 8}
SOFT = {"network.moe": "soft", "network.dense": "flatten", "network.num_experts": 8}
# On Atari there are two sizes of two agents to solve for; on MinAtar it takes seconds.
QUICK = sorted(set(RELATED_STUDIES) - {"bottleneck"})


@pytest.mark.parametrize(
    ("name", "scale"),
    # Two of the three scales have one and the same widths to solve for.
    sorted({*itertools.product(QUICK, SCALES)} - {("minatar_bottleneck", "small")}),
)
def test_every_arm_is_accepted_by_its_agent_and_is_its_own(name, scale):
    runs = expand(plan_of(name, scale), Path("/runs"), data="/data")
    arms = {run.arm: run for run in runs}
    specs = {run_spec(run.config, run.settings) for run in arms.values()}
    assert len(specs) == len(arms)


@pytest.mark.parametrize("scale", SCALES)
def test_how_long_an_offline_run_is_is_a_matter_of_the_scale(scale):
    lengths = {
        run_spec(run.config, run.settings).length
        for run in expand(plan_of("hl_gauss_offline", scale), Path("/runs"), data="/d")
    }
    assert lengths == {{"smoke": 20, "small": 25_000, "paper": 6_250_000}[scale]}


def sizes(arm):
    spec = run_spec(arm.agent.config, {**arm.settings, "game": arm.games[0]})
    return dict(zip(UNITS, network_totals(spec), strict=True))


def test_the_bottlenecks_arms_are_as_large_as_soft_moe():
    arms = {
        (arm.panel, arm.series): arm
        for arm in plan_of("minatar_bottleneck", "paper").arms
    }
    assert len(arms) == 2 * 2 * 10
    wanted = {
        panel: sizes(arm)
        for (panel, series), arm in arms.items()
        if series == "Soft MoE"
    }
    for (panel, series), arm in arms.items():
        (unit,) = (unit for unit in UNITS if panel.endswith(unit))
        if series in ("Baseline", "Scaled baseline"):
            assert "network.expert_width" not in arm.settings
            continue
        if series == "Soft MoE":
            continue
        width = arm.settings["network.expert_width"]
        spec = run_spec(
            arm.agent.config,
            {**arm.settings, "game": arm.games[0], "network.expert_width": width + 1},
        )
        found = sizes(arm)[unit]
        a_unit = network_totals(spec)[UNITS.index(unit)] - found
        assert abs(found - wanted[panel][unit]) <= a_unit / 2 + 1, (panel, series)


def test_a_width_is_solved_at_the_scale():
    small, large = (
        EqualSize("parameters", SOFT)(
            catalogue.DQN_MINATAR,
            {**SETTINGS, **catalogue.GAP.settings, "network.expert_width": width},
        )["network.expert_width"]
        for width in (16, 128)
    )
    assert 1 < small < large


def test_a_size_that_cannot_be_had_is_refused():
    tiny = {**SOFT, "network.moe": "none", "network.expert_width": 1}
    with pytest.raises(ValueError, match=r"expert_width: none gives [\d,]+ flops"):
        EqualSize("flops", tiny)(
            catalogue.DQN_MINATAR, {**SETTINGS, **catalogue.SOFT_MOE.settings}
        )


def test_one_expert_has_the_width_of_all():
    assert OneExpert(4)(catalogue.DQN, {}) == {
        "network.num_experts": 1,
        "network.expert_width": 2048,
    }
    assert OneExpert(4)(catalogue.DQN, {"network.expert_width": 16}) == {
        "network.num_experts": 1,
        "network.expert_width": 64,
    }


def test_a_plan_keeps_what_was_derived(tmp_path):
    plan = plan_of("minatar_bottleneck", "smoke")
    write_plan(plan, tmp_path)
    assert read_plan(tmp_path) == plan


def test_pruning_lasts_from_a_fifth_to_four_fifths_of_the_run():
    for run in expand(plan_of("pruning", "paper"), Path("/runs")):
        spec = run_spec(run.config, run.settings)
        assert spec.agent.pruning.start == spec.run.max_agent_steps / 5
        assert spec.agent.pruning.end == spec.run.max_agent_steps * 4 / 5
        assert spec.agent.in_updates(spec.agent.pruning.period) == 1_000
