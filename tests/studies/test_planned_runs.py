"""The runs of a plan, and the data of offline runs."""

import itertools

import pytest

from acme_moe.studies import catalogue
from acme_moe.studies.derived import run_spec
from acme_moe.studies.plan import make_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.scales import SCALES
from acme_moe.studies.study import Study
from tests.studies.plans import plan_of


def test_offline_runs_record_their_data_first_where_none_are_given(tmp_path):
    recorder, *runs = expand(plan_of("figure_17"), tmp_path)
    assert recorder.name == "data/Asterix/0"
    assert recorder.command == "train"
    assert recorder.needs is None
    assert len(runs) == 6
    for run in runs:
        assert run.needs == recorder.name
        assert run.command == "train_offline"
        assert run.settings["dataset.path"] == recorder.settings["record"]


def test_each_game_has_data_of_its_own(tmp_path):
    runs = expand(plan_of("figure_17", "small"), tmp_path)
    recorders = {run.name: run for run in runs if run.command == "train"}
    learners = [run for run in runs if run.command == "train_offline"]
    assert len({run.settings["game"] for run in learners}) == len(recorders) == 4
    for run in learners:
        recorder = recorders[run.needs]
        assert recorder.settings["game"] == run.settings["game"]
        assert recorder.settings["record"] == run.settings["dataset.path"]


def test_what_is_recorded_is_as_long_as_the_scale_says(tmp_path):
    for scale, steps in (("smoke", 400), ("small", 200_000)):
        recorder, *_ = expand(plan_of("figure_17", scale), tmp_path)
        assert run_spec(recorder.config, recorder.settings).length == steps


def test_the_path_of_data_may_have_braces(tmp_path):
    (run, *_) = expand(plan_of("figure_17"), tmp_path, "/sets/{game}/{run}/{x}")
    assert run.settings["dataset.path"] == f"/sets/{run.settings['game']}/1/{{x}}"


def offline(*settings, study=None, scale="smoke"):
    """The plan of a study on fixed data with an arm for each of the settings."""
    arms = (
        catalogue.arms(
            (catalogue.CQL,), (catalogue.BASELINE._replace(series=f"Arm {i}"),), of_arm
        )
        for i, of_arm in enumerate(settings)
    )
    return make_plan(
        Study(
            name="mine",
            title="Mine",
            games=("Asterix",),
            settings=study or {},
            arms=tuple(itertools.chain(*arms)),
        ),
        SCALES[scale],
    )


STICKY = "environment.sticky_action_probability"


@pytest.mark.parametrize(
    "plan",
    [
        offline({STICKY: 0.0}, {STICKY: 0.0, "network.expert_width": 8}),
        offline({}, study={STICKY: 0.0}),
        offline({"environment": {"sticky_action_probability": 0.0}}),
    ],
)
def test_data_are_recorded_in_the_environment_of_those_that_learn_from_them(
    plan, tmp_path
):
    recorder, *_ = expand(plan, tmp_path)
    assert recorder.name == "data/Asterix/0"
    environment = run_spec(recorder.config, recorder.settings).run.environment
    assert environment.sticky_action_probability == 0.0
    assert environment.max_episode_steps == 50, "the scale's"


def test_recorders_of_default_environments_keep_their_settings(tmp_path):
    recorder, *_ = expand(offline({}, {STICKY: 0.25}), tmp_path)
    assert set(recorder.settings) == {
        *SCALES["smoke"].online,
        *("game", "seed", "record"),
    }


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            offline({STICKY: 0.0}, {}),
            rf"^{STICKY}: 0\.25 is not accepted; 0\.0, .*Asterix for cql-arm_0",
        ),
        (
            offline({}, {"environment.screen_size": 42}),
            r"^environment\.screen_size: 42 is not accepted; 84, since cql-arm_1",
        ),
        (
            offline({"environment.name": "minatar"}),
            r"^environment\.name: 'minatar' is not accepted; 'atari', .*cql-arm_0",
        ),
    ],
)
def test_arms_whose_data_cannot_be_recorded_are_refused(plan, message, tmp_path):
    for arms in (None, [plan.arms[-1].name]):
        with pytest.raises(ValueError, match=message):
            expand(plan, tmp_path, arms=arms)
    runs = expand(plan, tmp_path, data="/data")
    assert {run.arm for run in runs} == {arm.name for arm in plan.arms}


def test_the_data_of_the_chosen_arms_are_recorded(tmp_path):
    plan = plan_of("figure_17")
    all_runs = expand(plan, tmp_path)
    name = plan.arms[-1].name
    chosen = expand(plan, tmp_path, arms=[name])
    assert {run.arm for run in chosen} == {"data", name}
    assert list(chosen) == [run for run in all_runs if run in chosen]
    assert len(chosen) < len(all_runs)
    with pytest.raises(
        ValueError, match="arms: 'soft' is not known; accepted: .*" + name
    ):
        expand(plan, tmp_path, arms=["soft"])


def test_arms_that_need_no_data_run_without_any(tmp_path):
    online, fixed = (
        catalogue.arms((agent,), (catalogue.BASELINE,))
        for agent in (catalogue.DQN, catalogue.CQL)
    )
    study = Study(name="mine", title="Mine", games=("Asterix",), arms=(*online, *fixed))
    plan = make_plan(study, SCALES["paper"])
    with pytest.raises(ValueError, match="data: is missing"):
        expand(plan, tmp_path)
    runs = expand(plan, tmp_path, arms=[online[0].name])
    assert {run.arm for run in runs} == {online[0].name}


def test_offline_runs_take_the_published_run_of_their_seed(tmp_path):
    plan = plan_of("figure_17", "paper", games=["Pong"])
    paths = {
        run.settings["seed"]: run.settings["dataset.path"]
        for run in expand(plan, tmp_path, "gs://atari-replay-datasets/dqn")
    }
    assert paths == {
        seed: f"gs://atari-replay-datasets/dqn/Pong/{seed + 1}/replay_logs"
        for seed in range(5)
    }
    (first, *_) = expand(plan, tmp_path, "/d/{game}-{run}")
    assert first.settings["dataset.path"] == "/d/Pong-1"


def test_the_papers_scale_needs_data(tmp_path):
    differ = offline({STICKY: 0.0}, {}, scale="paper")
    for plan in (plan_of("figure_11", "paper"), differ):
        with pytest.raises(ValueError, match=r"data: is missing.*DQN Replay Dataset"):
            expand(plan, tmp_path)
