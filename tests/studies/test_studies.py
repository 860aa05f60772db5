"""The paper's studies: how many runs, with what settings, under which names."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from acme_moe.environments import GAME_SETS
from acme_moe.runs.config import from_config_dict, load_config
from acme_moe.studies import catalogue
from acme_moe.studies.figures import FIGURES, load_study
from acme_moe.studies.plan import make_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.scales import SCALES
from acme_moe.studies.study import Study
from tests.programs import ROOT
from tests.studies.plans import plan_of

WORKDIR = Path("/runs")
OF_RESULTS = sorted(
    str(path)
    for path in (ROOT / "docs" / "results").glob("*/*.py")
    if "def get_study" in path.read_text()
)

# Arms times games times seeds, read off the paper's captions and legends.
NUM_RUNS = {
    "figure_1": (2 * 3 * 4) * 20 * 5,
    "figure_4": (2 * 2 * 4) * 20 * 5,
    "figure_5": (3 * 4) * 20 * 5,
    "figure_6": (2 * 3) * 20 * 5,
    "figure_7": (2 * 3) * 20 * 5,
    # The right panel shares two of its three arms with the left one's 60 games.
    "figure_8": 2 * 60 * 5 + 1 * 20 * 5,
    "figure_9": (2 * 3) * 20 * 5,
    "figure_10": 3 * 3 * 5,
    "figure_11": (2 * 3) * 17 * 5,
    "figure_12": (2 * 3) * 26 * 5,
    "figure_13": (2 * 6) * 20 * 5,
    "figure_14": 6 * 20 * 5,
    "figure_15": 6 * 20 * 5,
    "figure_16": (2 * 3) * 26 * 5,
    "figure_17": (2 * 3) * 17 * 5,
    "figure_18": (2 * 2) * 20 * 5,
    "figure_19": (2 * 3) * 20 * 3,
}


def runs_of(name, scale="paper", **options):
    plan = plan_of(name, scale, **options)
    return expand(plan, WORKDIR, data="/data")


def spec_of(run):
    """The run spec that a planned run's command line makes."""
    fields = load_config(run.config).to_dict()
    for name, value in run.settings.items():
        *path, last = name.split(".")
        inner = fields
        for part in path:
            inner = inner[part]
        assert last in inner, f"{name} is no field of {run.config}"
        inner[last] = value
    return from_config_dict(fields)


def test_there_is_a_study_for_each_figure():
    assert set(FIGURES) == set(NUM_RUNS)


@pytest.mark.parametrize("name", NUM_RUNS)
def test_paper_scale_has_the_papers_number_of_runs(name):
    runs = runs_of(name)
    assert len(runs) == NUM_RUNS[name]
    assert len({run.name for run in runs}) == len(runs)
    assert load_study(name).name == name


@pytest.mark.parametrize(
    ("name", "scale"),
    [*itertools.product(NUM_RUNS, SCALES), *((path, "paper") for path in OF_RESULTS)],
)
def test_every_arm_is_accepted_by_its_agent(name, scale):
    arms = {run.arm: run for run in runs_of(name, scale)}
    for run in arms.values():
        spec = spec_of(run)
        assert spec.run.game == run.settings["game"]


@pytest.mark.parametrize("name", NUM_RUNS)
def test_arms_of_a_study_differ(name):
    runs = [c for c in runs_of(name) if c.settings["seed"] == 0]
    settings = [
        (c.config, tuple(sorted((k, str(v)) for k, v in c.settings.items())))
        for c in runs
    ]
    assert len(set(settings)) == len(settings)


@pytest.mark.parametrize("name", NUM_RUNS)
def test_smoke_is_one_run_an_arm_on_a_real_game(name):
    runs = runs_of(name, "smoke")
    assert len(runs) == len({run.arm for run in runs})
    assert {run.settings["game"] for run in runs} == {"Asterix"}


def test_names_are_stable():
    names = [run.name for run in runs_of("figure_1", "smoke")]
    assert names[:6] == [
        "dqn-scaled_baseline-1/Asterix/0",
        "dqn-soft_moe-1/Asterix/0",
        "dqn-top1_moe-1/Asterix/0",
        "rainbow-scaled_baseline-1/Asterix/0",
        "rainbow-soft_moe-1/Asterix/0",
        "rainbow-top1_moe-1/Asterix/0",
    ]
    assert {run.arm for run in runs_of("figure_4", "smoke")} == {
        f"{agent}-{layer}-{ratio}"
        for agent in ("dqn", "rainbow")
        for layer in ("baseline", "soft_moe")
        for ratio in ("0.25", "0.5", "1", "2")
    }


def test_an_arms_settings_win_over_the_scales_and_these_over_the_studys():
    study = Study(
        name="mine",
        title="Mine",
        games=("Asterix",),
        settings={"max_agent_steps": 7_000, "discount": 0.9},
        arms=catalogue.arms(
            (catalogue.DQN,), (catalogue.BASELINE,), {"network.impala_width": 2.0}
        ),
    )
    (run,) = expand(make_plan(study, SCALES["smoke"]), WORKDIR)
    assert run.settings["network.impala_width"] == 2.0
    assert run.settings["discount"] == 0.9
    assert run.settings["max_agent_steps"] < 7_000


def test_only_a_study_that_measures_networks_does_and_as_often_as_its_scale_allows():
    for scale, every in (("smoke", 80), ("small", 10_000), ("paper", 250_000)):
        for run in runs_of("figure_10", scale):
            assert run.settings["diagnostics.every"] == every
            assert spec_of(run).run.diagnostics.definitions == "authors"
            assert spec_of(run).run.max_agent_steps >= 2 * every
        for run in runs_of("figure_9", scale):
            assert "diagnostics.every" not in run.settings


def test_figure_8_runs_all_60_games():
    games = {
        run.settings["game"]
        for run in runs_of("figure_8")
        if run.arm == "rainbow-soft_moe"
    }
    assert games == set(GAME_SETS["atari_60"])


def test_seed_by_seed_so_that_a_plan_cut_short_has_whole_comparisons():
    runs = runs_of("figure_6")
    half = runs[: len(runs) // 5]
    assert {run.settings["seed"] for run in half} == {0}
    assert {run.settings["game"] for run in half} == set(GAME_SETS["atari_20"])


def test_games_and_seeds_are_given_in_place_of_the_scales():
    runs = runs_of("figure_7", "smoke", games=["pong", "Breakout"], num_seeds=2)
    assert len(runs) == 6 * 2 * 2
    assert {run.settings["game"] for run in runs} == {"Pong", "Breakout"}


def test_a_game_that_no_arm_has_is_refused():
    with pytest.raises(ValueError, match="games: Tennis is not accepted"):
        runs_of("figure_7", games=["Tennis"])


def test_an_unknown_study_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'figure_3'.*figure_1, figure_4, figure_5"):
        load_study("figure_3")


def test_a_study_of_ones_own_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from acme_moe.studies.figures import FIGURES\n\n\n"
        "def get_study():\n    return FIGURES['figure_6']\n"
    )
    assert load_study(str(path)) == load_study("figure_6")
    path.write_text("study = None\n")
    with pytest.raises(ValueError, match=r"study: .* with a function get_study"):
        load_study(str(path))


def test_arms_that_differ_need_names_that_do():
    two = [
        catalogue.arms((catalogue.DQN,), (catalogue.SOFT_MOE,), {"batch_size": size})
        for size in (16, 32)
    ]
    with pytest.raises(ValueError, match=r"tag: '' is not accepted"):
        Study(name="x", title="x", games=("Pong",), arms=(*two[0], *two[1]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "pie"),
        ("num_seeds", 0),
        ("games", ()),
        ("games", "Pong"),
        ("arms", ()),
        ("title", 3),
        ("settings.seed", {"seed": 3}),
    ],
)
def test_a_study_names_the_field_that_is_wrong(field, value):
    study = load_study("figure_6")
    with pytest.raises(ValueError, match=rf"^{field}: "):
        dataclasses.replace(study, **{field.partition(".")[0]: value})


def test_a_study_names_the_suite_that_lacks_a_game():
    agent = dataclasses.replace(catalogue.DQN, config="mine.py")
    arms = catalogue.arms((agent,), (catalogue.SOFT_MOE,))
    with pytest.raises(ValueError, match=r"'corridor' .* plays 'atari' \(agent\.env"):
        Study(name="x", title="x", games=("corridor",), arms=arms)


@pytest.mark.parametrize(
    ("field", "value"), [("x", "2"), ("series", None), ("settings.game", {"game": "x"})]
)
def test_a_study_names_the_field_of_an_arm_that_is_wrong(field, value):
    study = load_study("figure_1")
    arm = dataclasses.replace(study.arms[0], **{field.partition(".")[0]: value})
    with pytest.raises(ValueError, match=rf"^{field}: .* is not accepted"):
        dataclasses.replace(study, arms=(arm,))


def test_arms_of_a_panel_differ_in_series_or_place():
    one, other = (
        arm
        for tag in ("a", "b")
        for arm in catalogue.arms((catalogue.DQN,), (catalogue.SOFT_MOE,), {}, tag=tag)
    )
    with pytest.raises(ValueError, match=r"series: 'Soft MoE' is not accepted; one th"):
        Study(name="x", title="", arms=(one, other), games=("Pong",))


def test_scaling_needs_a_place_on_the_axis():
    study = load_study("figure_6")
    with pytest.raises(ValueError, match="x: None of rainbow-soft_moe_perconv"):
        dataclasses.replace(study, form="scaling")
