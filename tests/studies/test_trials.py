"""Searches with small programs in place of runs, and one with runs."""

import importlib.util
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

if importlib.util.find_spec("optuna") is None:
    pytest.skip("needs the extra `optuna`", allow_module_level=True)

import optuna

from acme_moe.studies import catalogue
from acme_moe.studies.scales import SCALES
from acme_moe.studies.search import Search
from acme_moe.studies.sweep import Sweep
from acme_moe.studies.trials import (
    Trials,
    best_settings,
    mean_score,
    open_study,
    table,
)
from tests.programs import ROOT
from tests.studies.runs import planned, start

ASKED = {"scale": "smoke"}

# Writes the folder of a run whose score is best at a learning rate of 0.001.
RUN = textwrap.dedent(
    """
    import json, math, pathlib, sys
    _, folder, settings, what = sys.argv
    folder, settings = pathlib.Path(folder), json.loads(settings)
    with (folder / "turns").open("a") as turns:
        turns.write(".")
    if what == "fail":
        sys.exit("it broke")
    config = {}
    for name, value in settings.items():
        *parents, last = name.split(".")
        here = config
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = value
    (folder / "config.json").write_text(json.dumps(config))
    steps = config["max_agent_steps"] if what == "finish" else 10
    score = -abs(math.log10(config["learning_rate"]) + 3) + config["seed"]
    summary = {
        "status": "finished" if what == "finish" else "running",
        "agent_steps": steps,
        "evaluation_return_mean": score,
        "evaluation_human_normalized_score": None,
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    if what == "die":
        import os
        os.kill(os.getpid(), 9)
    """
)


def suggest(trial):
    return {"learning_rate": trial.suggest_float("lr", 1e-5, 1e-1, log=True)}


def searched(**fields):
    given = {"suggest": suggest, "num_seeds": 2, **fields}
    return Search(
        name="mine", agent=catalogue.DQN_MINATAR, games=("Breakout",), **given
    )


def search_in(folder, search=None, *, num_trials=4, does=None, parallel=1):
    """Runs a search; returns its study and its trials."""
    search = search or searched()
    does = does or {}
    study = open_study(search, folder, ASKED)

    def make_runs(number, settings):
        return search.runs(
            number, settings, workdir=folder, scale=SCALES["smoke"], num_seeds=2
        )

    trials = Trials(study, search, make_runs, folder, num_trials=num_trials)
    sweep = Sweep(
        (),
        folder,
        make_command=lambda run: [
            *(sys.executable, "-c", RUN, str(folder / run.name)),
            *(json.dumps(run.settings), does.get(run.name, "finish")),
        ],
        on_event=lambda event: None,
        start=start,
        parallel=parallel,
        more=trials.more,
    )
    sweep.run()
    trials.tell(())
    return study, trials


def states(study):
    return [trial.state.name for trial in study.trials]


def turns(folder, name):
    return len((folder / name / "turns").read_text())


def test_a_trials_value_is_the_mean_over_its_runs_and_the_best_is_kept(tmp_path):
    study, _ = search_in(tmp_path, parallel=3)
    assert states(study) == ["COMPLETE"] * 4
    for trial in study.trials:
        rate = trial.user_attrs["settings"]["learning_rate"]
        summaries = [
            json.loads(path.read_text())["evaluation_return_mean"]
            for path in tmp_path.glob(
                f"trial_{trial.number:04d}/Breakout/*/summary.json"
            )
        ]
        assert len(summaries) == 2
        assert trial.value == pytest.approx(sum(summaries) / 2)
        assert trial.params["lr"] == rate
    best = max(study.trials, key=lambda trial: trial.value)
    assert best_settings(study) == best.user_attrs["settings"]
    assert study.best_trial.number == best.number, "what the sampler takes for best"
    first_row = table(study).splitlines()[1].split()
    assert first_row[:2] == [f"trial_{best.number:04d}", f"{best.value:.4g}"]


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_the_best_is_trained_with_a_seed_that_did_not_choose_it(tmp_path, num_seeds):
    search = searched()
    tried = search.runs(
        0, {}, workdir=tmp_path, scale=SCALES["smoke"], num_seeds=num_seeds
    )
    best = search.best_run({"learning_rate": 0.5}, tried)
    assert best.settings["seed"] not in {run.settings["seed"] for run in tried}
    assert best.settings["game"] in {run.settings["game"] for run in tried}
    assert best.settings["learning_rate"] == 0.5


def test_the_best_on_fixed_data_is_trained_on_them(tmp_path):
    search = Search(name="mine", agent=catalogue.CQL, suggest=suggest, games=("Pong",))
    tried = search.runs(0, {}, workdir=tmp_path, scale=SCALES["paper"], data="/data")
    best = search.best_run({}, tried)
    assert best.settings["dataset.path"] == "/data/Pong/1/replay_logs"


def test_trials_that_have_ended_are_not_repeated_and_more_are_added(tmp_path):
    search_in(tmp_path, num_trials=2)
    before = [
        (t.number, t.value) for t in open_study(searched(), tmp_path, ASKED).trials
    ]
    study, _ = search_in(tmp_path, num_trials=3)
    assert [(t.number, t.value) for t in study.trials][:2] == before
    assert states(study) == ["COMPLETE"] * 3
    assert turns(tmp_path, "trial_0000/Breakout/0") == 1


def test_a_trial_whose_run_was_killed_is_resumed_with_its_settings(tmp_path):
    killed = "trial_0001/Breakout/1"
    study, _ = search_in(tmp_path, num_trials=2, does={killed: "die"})
    assert states(study) == ["COMPLETE", "RUNNING"]
    given = study.trials[1].user_attrs["settings"]
    study, trials = search_in(tmp_path, num_trials=2)
    assert states(study) == ["COMPLETE", "COMPLETE"]
    assert study.trials[1].user_attrs["settings"] == given
    assert turns(tmp_path, killed) == 2
    assert turns(tmp_path, "trial_0001/Breakout/0") == 1
    assert trials.num_told == 2


def test_a_trial_fails_with_one_of_its_runs_and_the_search_goes_on(tmp_path):
    study, _ = search_in(tmp_path, num_trials=3, does={"trial_0001/Breakout/0": "fail"})
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert "3 trials: 2 complete, 1 failed" in table(study)


def test_a_trial_that_suggest_gives_up_has_no_runs(tmp_path):
    def choosy(trial):
        if trial.number == 0:
            raise optuna.TrialPruned
        return suggest(trial)

    study, _ = search_in(tmp_path, searched(suggest=choosy), num_trials=2)
    assert states(study) == ["PRUNED", "COMPLETE"]
    assert not (tmp_path / "trial_0000").exists()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"learning_rates": 1.0}, "learning_rates"),
        ({"nothing.here": 1}, "nothing"),
        ({"learning_rate": -1.0}, "learning_rate: -1.0 is not accepted"),
        (
            {"batch_size": np.int64(8)},
            "batch_size: 8 is not accepted; a value of JSON's types (Object of type "
            "int64",
        ),
        ({"network": {"num_experts": np.int64(2)}}, "network: {'num_experts': 2} is"),
    ],
)
def test_settings_that_are_refused_end_the_search(tmp_path, settings, named):
    study, trials = search_in(tmp_path, searched(suggest=lambda trial: settings))
    assert states(study) == ["FAIL"]
    assert named in str(trials.error)


def test_an_error_of_suggest_waits_for_the_runs_under_way(tmp_path):
    def breaks(trial):
        if trial.number == 1:
            raise KeyError("mine")
        return suggest(trial)

    study, trials = search_in(tmp_path, searched(suggest=breaks), parallel=3)
    assert states(study) == ["COMPLETE", "FAIL"]
    assert isinstance(trials.error, KeyError)


def test_a_trial_that_was_killed_before_it_had_settings_has_failed(tmp_path):
    open_study(searched(), tmp_path, ASKED).ask()
    study, _ = search_in(tmp_path, num_trials=2)
    assert states(study) == ["FAIL", "COMPLETE"]


def test_another_search_is_refused_in_the_folder(tmp_path):
    open_study(searched(), tmp_path, ASKED)
    with pytest.raises(ValueError, match=r"trials of scale 'smoke'; the same"):
        open_study(searched(), tmp_path, {"scale": "small"})


def test_a_search_goes_on_where_its_data_have_moved(tmp_path):
    def asked(path, **settings):
        return {**ASKED, "settings": {"seed": 1, "dataset.path": path, **settings}}

    study = open_study(searched(), tmp_path, asked("/old"))
    open_study(searched(), tmp_path, asked("/new"))
    # As earlier versions stored it.
    study.set_user_attr("asked", asked("/old"))
    open_study(searched(), tmp_path, asked("/new"))
    with pytest.raises(ValueError, match=r"holds trials of settings {'seed': 1}; the"):
        open_study(searched(), tmp_path, asked("/old", seed=2))


def write_summary(folder, normalised, mean):
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "evaluation_return_mean": mean,
        "evaluation_human_normalized_score": normalised,
    }
    (folder / "summary.json").write_text(json.dumps(summary))


def test_human_normalised_scores_count_where_all_games_have_them(tmp_path):
    runs = [planned("t/Pong/0"), planned("t/Qbert/0")]
    for run, normalised in zip(runs, (0.5, 1.0), strict=True):
        write_summary(tmp_path / run.name, normalised, 100.0 * normalised)
    assert mean_score(runs, tmp_path) == 0.75
    write_summary(tmp_path / runs[1].name, None, 100.0)
    assert mean_score(runs, tmp_path) == 75.0


def test_runs_that_record_data_do_not_count(tmp_path):
    data = planned("data/Pong/0")
    runs = [data, *(planned(f"t/Pong/{seed}", needs=data.name) for seed in (0, 1))]
    for run, normalised in zip(runs, (7.0, 0.5, 1.0), strict=True):
        write_summary(tmp_path / run.name, normalised, 0.0)
    assert mean_score(runs, tmp_path) == 0.75


def test_a_search_ends_with_the_grid_that_its_sampler_suggests(tmp_path):
    rates = [1e-4, 1e-3, 1e-2]

    def search(num_trials):
        search_ = searched(sampler=optuna.samplers.GridSampler({"lr": rates}))
        study, trials = search_in(tmp_path, search_, num_trials=num_trials)
        assert trials.all_told
        return [trial.params["lr"] for trial in study.trials]

    assert len(set(search(2))) == 2
    for _ in range(2):
        assert sorted(search(5)) == rates


def test_the_command_searches_with_runs_and_prints_the_one_for_the_best(tmp_path):
    def search():
        return subprocess.run(
            [
                *(sys.executable, "-m", "acme_moe.cli.search", "--trials=2"),
                f"--search={ROOT}/examples/search_minatar.py",
                *(f"--workdir={tmp_path}", "--parallel=2", "--seeds=1"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )

    done = search()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 trials: 2 complete" in done.stdout
    command = done.stdout.splitlines()[-1]
    assert " -m acme_moe.cli.train --config=dqn_minatar" in command
    assert f"--workdir={tmp_path}/best --config.network.moe=soft" in command
    assert "--config.seed=1" in command, "the trials had seed 0"
    assert "--config.game=Breakout" in command
    assert "here on Breakout" in done.stdout
    assert "max_agent_steps" not in command, "the scale's"
    again = search()
    assert again.returncode == 0
    assert "started" not in again.stdout
