"""Where a run's rows go beside its folder's CSV files."""

import importlib
import importlib.util
import sys
import threading
import types

import numpy as np
import pytest

from acme_moe.cli.config_fields import set_fields
from acme_moe.runs import tracking
from acme_moe.runs.config import check_resumes, from_config_dict, to_config_dict
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.state import RunState
from tests.programs import ROOT
from tests.runs import tiny


def summary(status):
    return {"status": status}


def play(path, loggers, steps=100, status="finished", **settings):
    """What a run of `steps` logs: a game, an evaluation of two, an update."""
    folder = RunFolder(path, tiny.spec(run={"loggers": loggers, **settings}))
    folder.write_config()
    state = RunState(agent_steps=steps, wall_seconds=2.0)
    folder.add_score(state, "training", 1, EpisodeResult(-21.0, 50))
    folder.add_evaluation(state, [EpisodeResult(-21.0, 50), EpisodeResult(-20.0, 70)])
    log = folder.make_full_logger("learner")
    log.write({"agent_steps": steps, "learner_steps": 7, "loss": np.float32(0.5)})
    folder.write_summary(summary(status))
    folder.close()


class Recorded:
    """A service that keeps what it is told."""

    def __init__(self, run):
        self.run, self.rows, self.status = run, [], None
        runs.append(self)

    def log(self, row):
        self.rows.append(row)

    def finish(self, status):
        self.status = status


runs = []


@pytest.fixture(autouse=True)
def _no_runs():
    runs.clear()


def test_a_service_gets_scores_logs_settings_and_the_end(tmp_path, monkeypatch):
    monkeypatch.setitem(tracking.SERVICES, "wandb", Recorded)
    play(tmp_path, "csv,wandb", status="interrupted")
    (recorded,) = runs
    training, evaluation, learner = recorded.rows
    assert training["agent_steps"] == 100
    assert training["training/episode_return"] == -21
    assert evaluation["evaluation/episode_return"] == -20.5
    assert evaluation["evaluation/episode_length"] == 60
    assert 0 < evaluation["evaluation/human_normalized_score"] < 0.1
    assert learner == {
        "agent_steps": 100,
        "learner/learner_steps": 7,
        "learner/loss": 0.5,
    }
    assert recorded.status == "interrupted"
    assert recorded.run.config["network.encoder"] == "nature_cnn"
    assert recorded.run.config["batch_size"] == 4
    # Each game stands in the file, and the mean at the service.
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 1 + 3


@pytest.mark.parametrize(
    ("loggers", "left"),
    [
        ("csv,tensorboard", {"learner.csv", "tensorboard"}),
        ("csv", {"learner.csv"}),
        ("tensorboard", {"tensorboard"}),
        ("", set()),
    ],
)
def test_logs_go_where_the_settings_say(loggers, left, tmp_path):
    play(tmp_path, loggers)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "summary.json", "scores.csv", *left}
    assert runs == []


def test_another_process_may_have_the_services(tmp_path, monkeypatch):
    monkeypatch.setitem(tracking.SERVICES, "wandb", Recorded)
    sent = []
    folder = RunFolder(
        tmp_path,
        tiny.spec(run={"loggers": "wandb"}),
        track=lambda label, row: sent.append((label, row)),
    )
    folder.make_full_logger("learner").write({"agent_steps": 1, "loss": 2.0})
    folder.close()
    assert sent == [("learner", {"agent_steps": 1, "loss": 2.0})]
    assert runs == []


@pytest.mark.parametrize("fails", ["__init__", "log", "finish"])
def test_a_service_that_fails_ends_no_run_and_is_named_once(
    fails, tmp_path, monkeypatch, caplog
):
    def fail(*_):
        raise OSError("no network\nhere")

    broken = type("Broken", (Recorded,), {fails: fail})
    monkeypatch.setitem(tracking.SERVICES, "wandb", broken)
    monkeypatch.setitem(tracking.SERVICES, "mlflow", Recorded)
    with caplog.at_level("WARNING"):
        play(tmp_path, "csv,wandb,mlflow")
    assert [record.getMessage() for record in caplog.records] == [
        "no more rows go to wandb: OSError: no network here"
    ]
    assert (tmp_path / "learner.csv").exists()
    assert runs[-1].status == "finished"
    assert len(runs[-1].rows) == 3


def test_a_service_that_hangs_does_not_hold_up_the_run(tmp_path, monkeypatch, caplog):
    goes_on = threading.Event()
    hung = type("Hung", (Recorded,), {"log": lambda *_: goes_on.wait()})
    monkeypatch.setitem(tracking.SERVICES, "wandb", hung)
    monkeypatch.setattr(tracking, "_CLOSING_SECONDS", 0.01)
    monkeypatch.setattr(tracking, "_MAX_WAITING", 1)
    with caplog.at_level("WARNING"):
        play(tmp_path, "csv,wandb")
    goes_on.set()
    (record,) = caplog.records
    assert "no more rows go to wandb: " in record.getMessage()


def test_names_are_checked_with_what_would_do():
    with pytest.raises(ValueError, match=r"loggers: 'wandbb' is not known; .* wandb"):
        tiny.spec(run={"loggers": "csv,wandbb"})
    config = set_fields(
        to_config_dict(tiny.spec()), ["train", "--config.loggers=csv,tensorboard,wandb"]
    )
    assert from_config_dict(config).run.loggers == "csv,tensorboard,wandb"


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    tracking.check_installed("csv,tensorboard")
    with pytest.raises(
        ValueError, match=r"loggers: .*pip install 'mlflow-skinny>=2.9'"
    ):
        tracking.check_installed("csv,mlflow")


def test_a_run_may_resume_with_other_loggers(tmp_path):
    play(tmp_path, "csv")
    check_resumes(tiny.spec(run={"loggers": "csv,wandb"}), tmp_path)


class FakeWandb(types.ModuleType):
    """Records the calls of a run; it is no server."""

    def __init__(self):
        super().__init__("wandb")
        self.Settings = dict
        self.inits, self.rows, self.ends = [], [], []

    def init(self, **arguments):
        self.inits.append(arguments)
        return types.SimpleNamespace(
            define_metric=lambda *_, **__: None,
            log=self.rows.append,
            finish=lambda exit_code: self.ends.append(exit_code),
        )


def test_a_resumed_run_goes_on_in_its_run_at_wandb(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    play(tmp_path, "csv,wandb", status="interrupted")
    play(tmp_path, "csv,wandb", steps=200)
    first, second = fake.inits
    assert (first["id"], first["resume"]) == (second["id"], None)
    assert second["resume"] == "allow"
    assert first["name"] == tmp_path.name
    assert first["config"]["network.moe"] == "soft"
    assert fake.ends == [1, 0]
    assert [row["agent_steps"] for row in fake.rows] == [100] * 3 + [200] * 3


class FakeClient:
    """An MLflow server whose runs all clients see."""

    runs = {}  # noqa: RUF012

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        return "1"

    def create_run(self, experiment_id, run_name):
        run = types.SimpleNamespace(
            info=types.SimpleNamespace(run_id=f"id{len(self.runs)}", status="RUNNING"),
            data=types.SimpleNamespace(params={}, tags={}, metrics=[]),
        )
        self.runs[run.info.run_id] = run
        return run

    def get_run(self, run_id):
        return self.runs[run_id]

    def update_run(self, run_id, status):
        self.runs[run_id].info.status = status

    set_terminated = update_run

    def set_tag(self, run_id, name, value):
        self.runs[run_id].data.tags[name] = value

    def log_batch(self, run_id, metrics=(), params=()):
        data = self.runs[run_id].data
        data.metrics += metrics
        for name, value in params:
            assert data.params.setdefault(name, value) == value


def test_a_resumed_run_goes_on_in_its_run_at_mlflow(tmp_path, monkeypatch):
    fake = types.ModuleType("mlflow")
    fake.entities = types.SimpleNamespace(
        Param=lambda name, value: (name, value), Metric=lambda *metric: metric
    )
    fake.tracking = types.ModuleType("mlflow.tracking")
    fake.tracking.MlflowClient = FakeClient
    monkeypatch.setattr(FakeClient, "runs", {})
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", fake.tracking)
    play(tmp_path, "mlflow", status="interrupted")
    assert FakeClient.runs["id0"].info.status == "KILLED"
    play(tmp_path, "mlflow", steps=200, max_agent_steps=400)
    ((_, run),) = FakeClient.runs.items()
    assert run.info.status == "FINISHED"
    assert run.data.params["max_agent_steps"] == "300"
    assert run.data.tags == {"max_agent_steps": "400"}
    losses = [(m[1], m[3]) for m in run.data.metrics if m[0] == "learner/loss"]
    assert losses == [(0.5, 100), (0.5, 200)]


def test_the_real_wandb_offline(tmp_path, monkeypatch, caplog):
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    with caplog.at_level("WARNING"):
        play(tmp_path, "wandb")
    assert caplog.records == []
    wandb.teardown()  # Waits for the process that writes.
    run_id = (tmp_path / "wandb_run_id.txt").read_text().strip()
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert file.name == f"run-{run_id}.wandb"
    assert b"evaluation/episode_return" in file.read_bytes()


def test_the_real_mlflow_with_files(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "server").as_uri())
    play(tmp_path / "run", "mlflow", status="interrupted")
    play(tmp_path / "run", "mlflow", steps=200, max_agent_steps=400)
    client = importlib.import_module("mlflow.tracking").MlflowClient()
    run_id = (tmp_path / "run" / "mlflow_run_id.txt").read_text().strip()
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["network.encoder"] == "nature_cnn"
    assert run.data.tags["max_agent_steps"] == "400"
    history = client.get_metric_history(run_id, "evaluation/episode_return")
    assert [(m.step, m.value) for m in history] == [(100, -20.5), (200, -20.5)]


def test_what_it_says_to_install_is_what_the_extras_have():
    project = (ROOT / "pyproject.toml").read_text()
    for name, requirement in tracking._PACKAGES.items():
        assert f'{name} = ["{requirement}"]' in project
