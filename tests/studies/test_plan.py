"""Plans, and plans on disk."""

import dataclasses
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from acme_moe.studies import catalogue
from acme_moe.studies.derived import check_arms
from acme_moe.studies.figures import load_study
from acme_moe.studies.plan import make_plan
from acme_moe.studies.plan_file import check_plan, read_plan, write_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.scales import SCALES
from acme_moe.studies.study import Study
from tests.studies.plans import plan_of


def test_a_plan_that_is_read_has_the_same_runs(tmp_path):
    for name in ("figure_1", "figure_8", "figure_17"):
        plan = plan_of(name)
        write_plan(plan, tmp_path / name)
        there = read_plan(tmp_path / name)
        assert there == plan
        assert expand(there, tmp_path) == expand(plan, tmp_path)


def test_a_plan_of_an_earlier_version_is_read(tmp_path):
    plan = plan_of("figure_17")
    write_plan(plan, tmp_path)
    path = tmp_path / "study.json"
    fields = json.loads(path.read_text())
    for arm in fields["arms"]:
        # Configs were paths then, and their program one of two.
        arm["agent"]["config"] = f"configs/{arm['agent']['config']}.py"
    path.write_text(json.dumps(fields, indent=1))
    there = expand(read_plan(tmp_path), tmp_path)
    now = expand(plan, tmp_path)
    assert [(r.name, r.settings, r.command) for r in there] == [
        (r.name, r.settings, r.command) for r in now
    ]


def test_arms_that_a_study_had_stay_if_they_were_begun(tmp_path):
    plan = plan_of()
    write_plan(plan, tmp_path)
    begun, _, *rest = plan.arms
    (tmp_path / begun.name).mkdir()
    write_plan(dataclasses.replace(plan, arms=tuple(rest)), tmp_path)
    assert read_plan(tmp_path).arms == (*rest, begun)


def test_an_arm_that_another_has_replaced_stays_under_its_folder_s_name(tmp_path):
    plan = plan_of()
    write_plan(plan, tmp_path)
    first, *rest = plan.arms
    (tmp_path / first.name).mkdir()
    anew = dataclasses.replace(first, name=f"{first.name}-anew")
    for _ in range(2):
        write_plan(dataclasses.replace(plan, arms=(anew, *rest)), tmp_path)
        *_, last = read_plan(tmp_path).arms
        assert last.name == first.name
        assert last.series == f"{first.series} ({first.name})"


@pytest.mark.parametrize("num_seeds", [0, -1])
def test_a_plan_has_a_seed(num_seeds):
    with pytest.raises(ValueError, match=f"^num_seeds: {num_seeds} is not accepted"):
        plan_of(num_seeds=num_seeds)


def test_games_and_seeds_stay_when_an_arm_moves_to_another_panel(tmp_path):
    plan = plan_of(num_seeds=3)
    write_plan(plan, tmp_path)
    plan = plan_of()
    moved = dataclasses.replace(plan.arms[0], panel="Elsewhere")
    write_plan(dataclasses.replace(plan, arms=(moved,)), tmp_path)
    (arm,) = read_plan(tmp_path).arms
    assert (arm.panel, arm.seeds) == ("Elsewhere", (0, 1, 2))


def test_a_folder_holds_one_study_at_one_scale(tmp_path):
    write_plan(plan_of(), tmp_path)
    write_plan(plan_of(num_seeds=3), tmp_path)
    with pytest.raises(ValueError, match="holds figure_7 at scale 'smoke'"):
        write_plan(plan_of("figure_9"), tmp_path)
    for refuse in (write_plan, check_plan):
        with pytest.raises(ValueError, match="another folder"):
            refuse(plan_of(scale="small"), tmp_path)
    check_plan(plan_of(), tmp_path)
    check_plan(plan_of(scale="small"), tmp_path / "new")
    assert read_plan(tmp_path).arms[0].seeds == (0, 1, 2)


def test_later_sweeps_of_a_folder_add_to_its_plan(tmp_path):
    first = plan_of(scale="small", games=["Asterix", "Breakout"], num_seeds=1)
    write_plan(first, tmp_path)
    write_plan(plan_of(scale="small", games=["Pong"], num_seeds=3), tmp_path)
    there = read_plan(tmp_path)
    assert [arm.name for arm in there.arms] == [arm.name for arm in first.arms]
    for arm in there.arms:
        assert arm.games == ("Asterix", "Breakout", "Pong")
        assert arm.seeds == (0, 1, 2)
    write_plan(first, tmp_path)
    assert read_plan(tmp_path) == there


def test_a_later_sweep_keeps_the_games_of_each_panel(tmp_path):
    first = plan_of("figure_8", "paper")
    write_plan(first, tmp_path)
    write_plan(plan_of("figure_8", "paper", games=["Pong"]), tmp_path)
    assert read_plan(tmp_path) == first


def test_sweeps_that_start_at_once_all_are_in_the_plan(tmp_path):
    games = load_study("figure_7").games
    plans = [plan_of(scale="small", games=[game]) for game in games]
    with ThreadPoolExecutor(len(plans)) as pool:
        list(pool.map(write_plan, plans, [tmp_path] * len(plans)))
    assert all(set(arm.games) == set(games) for arm in read_plan(tmp_path).arms)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"arms": []}', '{"study": 1}'])
def test_a_damaged_plan_is_refused(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(ValueError, match=r"study\.json: is not "):
        read_plan(tmp_path)


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_derived_is_the_same_whatever_games_are_run(scale):
    def width(agent, settings):
        return {"network.expert_width": len(settings["game"])}

    arm, own = (
        dataclasses.replace(arm, derive=width, games=games, tag=tag)
        for arm in load_study("figure_7").arms[:1]
        for games, tag in ((None, ""), (("Qbert", "Pong"), "own"))
    )
    study = Study(
        name="mine",
        title="Mine",
        games=("Bowling", "Asterix", "Pong"),
        arms=(arm, dataclasses.replace(own, series="Own")),
    )
    for games in (None, ["Pong"], ["Pong", "Asterix"]):
        plan = make_plan(study, SCALES[scale], games=games)
        widths = [arm.settings["network.expert_width"] for arm in plan.arms]
        assert widths == [len("Bowling"), len("Qbert")]


def test_a_mapping_sets_its_fields_as_dotted_names_do():
    (layer,) = catalogue.arms((catalogue.DQN,), (catalogue.BASELINE,))
    of_arm = {"environment": {"max_episode_steps": 10, "screen_size": 42}}
    arm = dataclasses.replace(layer, settings=of_arm)
    study = Study(
        name="mine",
        title="Mine",
        games=("Asterix",),
        settings={"environment.screen_size": 64, "diagnostics": {"every": 1_000}},
        arms=(arm,),
    )
    (planned,) = make_plan(study, SCALES["smoke"]).arms
    assert planned.settings["environment.max_episode_steps"] == 10, "the arm's"
    assert planned.settings["environment.screen_size"] == 42, "the arm's"
    assert planned.settings["diagnostics.every"] == 80, "the scale's"
    assert "environment" not in planned.settings
    # A mapping may be a value, whose names are no fields.
    options = {"network.moe_options": {"table": {"a": 1}}}
    valued = dataclasses.replace(study, settings=options)
    assert make_plan(valued, SCALES["paper"]).arms[0].settings.items() > options.items()


def test_an_arm_s_settings_replace_the_study_s_however_they_are_written():
    (layer,) = catalogue.arms((catalogue.DQN,), (catalogue.BASELINE,))
    steps = {"environment": {"max_episode_steps": 10}}
    suites = {"environment": {"name": "minatar"}}, {"environment.name": "minatar"}
    for of_study, of_arm in itertools.product(({}, steps), suites):
        for first, then in ((of_study, of_arm), (of_arm, of_study)):
            study = Study(
                name="mine",
                title="Mine",
                games=("Breakout",),
                settings=first,
                arms=(dataclasses.replace(layer, settings=then),),
            )
            (planned,) = make_plan(study, SCALES["smoke"]).arms
            assert planned.suite == study.suite_of(study.arms[0]) == "minatar"
    (soft,) = catalogue.arms(
        (catalogue.DQN,), (catalogue.SOFT_MOE,), {"network": {"moe": "top1"}}
    )
    assert soft.settings["network.moe"] == "top1"


@pytest.mark.parametrize(
    ("agent", "settings", "message"),
    [
        ({}, {"network.moe": "nope"}, "network.moe: 'nope' is not known"),
        ({}, {"batch_sise": 3}, "did you mean batch_size"),
        ({"config": "dqn_atri"}, {}, "config: 'dqn_atri' is not known"),
        ({"config": "dqn_minatar"}, {}, "agent.environment: 'atari' is not accepted"),
        ({"offline": True}, {}, "agent.offline: True is not accepted; False"),
    ],
)
def test_an_arm_that_could_not_run_is_refused(agent, settings, message):
    (arm, *_) = plan_of().arms
    check_arms([arm])
    wrong = dataclasses.replace(
        arm,
        agent=dataclasses.replace(arm.agent, **agent),
        settings={**arm.settings, **settings},
    )
    with pytest.raises(ValueError, match=f"^arm {arm.name}: .*{message}"):
        check_arms([arm, wrong])


@pytest.mark.parametrize("name", ["figure_11", "minatar_figure_1", "pruning"])
def test_arms_of_studies_could_run(name):
    check_arms(plan_of(name).arms)
