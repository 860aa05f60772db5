"""Runs in an environment from outside, by import path, from the command line."""

import json
import os

import pytest

from tests.programs import ROOT, rows, run_python

PATH = "tests.corridor:corridor"
FLAGS = [
    "--config=dqn_atari",
    "--config.network.encoder=mlp",
    "--config.network.tokenizer=per_samp",
    "--config.network.num_experts=2",
    "--config.network.expert_width=8",
    "--config.network.mlp_widths=(16,)",
    "--config.min_replay_size=60",
    "--config.max_replay_size=1000",
    "--config.batch_size=4",
    "--config.evaluation_every=100",
    "--config.evaluation_episodes=2",
    "--config.log_every_seconds=1e-6",
]
_PATHS = [str(ROOT), os.environ.get("PYTHONPATH", "")]
OWN = [f"--config.environment.name={PATH}", "--config.environment.length=6"]


def acme_moe(command, *arguments):
    """Runs a command as a user would, from a folder that holds the package."""
    env = {"PYTHONPATH": os.pathsep.join(_PATHS)}
    return run_python("-m", f"acme_moe.cli.{command}", *arguments, env=env)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run that was resumed once."""
    workdir = tmp_path_factory.mktemp("own") / "run"
    arguments = [*FLAGS, *OWN, f"--workdir={workdir}"]
    first = acme_moe("train", *arguments, "--config.max_agent_steps=200")
    assert first.returncode == 0, first.stderr
    again = acme_moe("train", f"--workdir={workdir}", "--config.max_agent_steps=300")
    assert again.returncode == 0, again.stderr
    assert "resuming after 200 agent steps" in again.stderr
    return workdir


def test_a_run_plays_it_and_resumes(trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["environment"] == {"name": PATH, "length": 6}
    assert config["game"] == "corridor"
    summary = json.loads((trained / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["agent_steps"] == 300
    assert summary["learner_steps"] == 60
    assert 0 <= summary["evaluation_return_mean"] <= 1
    assert summary["evaluation_human_normalized_score"] is None


def test_its_scores_are_not_normalised(trained):
    scores = rows(trained / "scores.csv")
    assert {row["human_normalized_score"] for row in scores} == {""}
    assert {row["kind"] for row in scores} == {"training", "evaluation"}
    assert max(int(row["episode_length"]) for row in scores) <= 20


def test_a_report_says_that_returns_are_plain(trained, tmp_path):
    done = acme_moe(
        "report", f"--workdir={trained.parent}", f"--out={tmp_path}", "--reps=20"
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.md").read_text()
    assert "not normalised, as there are no reference scores" in text
    (run,) = rows(tmp_path / "runs.csv")
    assert run["game"] == "corridor"
    assert run["human_normalized_score"] == ""
    assert run["frames"] == "300"
    aggregates = rows(tmp_path / "aggregates.csv")
    assert {row["metric"] for row in aggregates} == {"IQM", "Median", "Mean"}
    mean = next(row for row in aggregates if row["metric"] == "Mean")
    assert float(mean["value"]) == pytest.approx(float(run["score"]), abs=1e-4)


@pytest.mark.parametrize("name", ["film.gif", "film.mp4"])
def test_without_pictures_there_is_no_film(trained, tmp_path, name):
    out = tmp_path / name
    done = acme_moe("watch", f"--checkpoint={trained}", f"--out={out}")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: environment.name: {PATH!r} cannot be filmed; one with a method "
        "render() that returns a picture uint8 [height, width, 3]\n"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--config.environment.length=1"], 2, "environment.length: 1 is not"),
        (["--config.environment.lenght=7"], 2, "environment.lenght: is not a field"),
        (["--config.environment.frame_skip=4"], 2, "environment.frame_skip: is not a"),
        (["--config.record={tmp}/set"], 1, "record: observations"),
        (
            ["--config.environment.name=tests.corridor:continuous"],
            1,
            "environment.name: 'tests.corridor:continuous' has the actions",
        ),
        (
            ["--config.environment.name=tests.corridor:no_environment"],
            1,
            "environment.name: 'tests.corridor:no_environment' made None",
        ),
        (
            ["--config.environment.name=tests.corridor:two_arguments"],
            2,
            "environment.name: 'tests.corridor:two_arguments' is not accepted",
        ),
        (
            ["--config.environment.name=tests.corridor:missing"],
            2,
            "environment.name: 'tests.corridor:missing'",
        ),
        (["--config.environment.name=atary"], 2, "environment.name: 'atary' is not"),
    ],
)
def test_what_is_wrong_is_said_at_once(flags, status, message, tmp_path):
    # If a flag is repeated, the last one wins; only the corridor has a `length`.
    own = OWN[:1] if flags[0].count("environment.name") else OWN
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    done = acme_moe("train", *FLAGS, *own, *flags, f"--workdir={tmp_path / 'run'}")
    assert done.returncode == status, done.stderr
    assert f"error: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_fixed_data_need_frames(tmp_path):
    flags = [
        "--config=cql_atari",
        f"--config.environment.name={PATH}",
        "--config.network.encoder=mlp",
        "--config.network.tokenizer=per_samp",
        "--config.dataset.path=/nowhere",
    ]
    done = acme_moe("train_offline", *flags, f"--workdir={tmp_path}")
    assert done.returncode == 1
    assert "is not accepted for learning from fixed data" in done.stderr


STUDY = f'''
from acme_moe.studies.catalogue import DQN, SOFT_MOE, arms
from acme_moe.studies.study import Study


def get_study():
    """The same environment, named in the study's settings."""
    return Study(
        name="corridors",
        title="Corridors",
        games=("near",),
        settings={{
            "environment.name": "{PATH}",
            "network.encoder": "mlp",
            "network.tokenizer": "per_samp",
            "network.num_experts": 2,
        }},
        arms=arms((DQN,), (SOFT_MOE,)),
    )
'''


def test_a_sweep_plays_it_and_its_report_is_of_returns(tmp_path):
    (tmp_path / "study.py").write_text(STUDY)
    runs = tmp_path / "runs"
    swept = acme_moe("sweep", f"--study={tmp_path}/study.py", f"--workdir={runs}")
    assert swept.returncode == 0, swept.stdout + swept.stderr
    summary = json.loads((runs / "dqn-soft_moe/near/0/summary.json").read_text())
    assert summary["game"] == "near"
    done = acme_moe("report", f"--workdir={runs}", f"--out={tmp_path}/out", "--reps=20")
    assert done.returncode == 0, done.stderr
    assert "missing" not in done.stdout
    assert "not normalised" in (tmp_path / "out" / "report.md").read_text()
