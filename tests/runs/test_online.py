"""Real runs on a real game: what they leave, how they stop, how they resume."""

import json
import math
import re
import shutil
import signal
import subprocess

import jax
import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util

from acme_moe.agents.acting_device import NoAcceleratorError
from acme_moe.environments import SCORES, UnplayableError
from acme_moe.environments.gymnasium_suite import GymnasiumConfig
from acme_moe.folder_lock import FolderLock
from acme_moe.learning.learner import NonFiniteLossError
from acme_moe.runs import config as config_lib
from acme_moe.runs import online
from acme_moe.runs.checkpoint import OtherStateError
from acme_moe.runs.errors import permanent_errors
from acme_moe.runs.run_config import ActingConfig
from tests.programs import ROOT, launch, rows, start, wait_for
from tests.runs import tiny


def compilations(run):
    """How often the update, the policy and the evaluation policy were compiled."""
    return (
        run.learner._update.compiled._cache_size(),
        run._actor._step._cache_size(),
        run._evaluator._policy._cache_size(),
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that came to its end, compiling each thing once."""
    workdir = tmp_path_factory.mktemp("finished")
    with online.OnlineRun(tiny.spec(), workdir) as run:
        run.run()
        assert compilations(run) == (1, 1, 1)
    return workdir


def test_the_summary_says_what_the_run_did(finished):
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert (summary["agent"], summary["game"], summary["seed"]) == ("dqn", "Pong", 0)
    assert summary["agent_steps"] == 300
    assert summary["learner_steps"] == (300 - 100) * 0.25
    assert summary["replay_ratio_realised"] == summary["replay_ratio_target"] == 0.25
    assert summary["agent_steps_per_second"] > 0
    assert summary["learner_step_ms"] > 0
    assert 0 <= summary["data_wait_fraction"] < 1
    assert 100 < summary["replay_bytes_per_transition"] < 5000
    assert summary["wall_seconds"] > 0
    assert -21 <= summary["evaluation_return_mean"] <= 21
    assert summary["evaluated_at"] == 300


def test_the_replay_ratio_is_exact_after_any_number_of_steps(finished):
    log = rows(finished / "learner.csv")
    assert len(log) == 50
    for row in log:
        steps = int(row["agent_steps"]) - 100
        assert int(row["learner_steps"]) == math.floor(0.25 * steps)


def test_scores_are_normalised_and_evaluated_at_the_interval(finished):
    scores = rows(finished / "scores.csv")
    evaluations = [row for row in scores if row["kind"] == "evaluation"]
    assert [int(row["agent_steps"]) for row in evaluations] == [200, 300]
    score = SCORES["Pong"]
    for row in scores:
        expected = (float(row["episode_return"]) - score.random) / (
            score.human - score.random
        )
        assert float(row["human_normalized_score"]) == pytest.approx(expected)
    seconds = [float(row["wall_seconds"]) for row in scores]
    assert seconds[0] > 0
    assert seconds == sorted(seconds)


def test_the_config_is_enough_to_run_it_again(finished):
    stored = config_lib.read_config_json(finished / "config.json")
    assert stored == tiny.spec()


def test_tensorboard_and_csv_hold_the_same_loss(finished):
    events = event_accumulator.EventAccumulator(
        str(finished / "tensorboard"), size_guidance={"tensors": 0}
    )
    events.Reload()
    logged = {
        event.step: float(tensor_util.make_ndarray(event.tensor_proto))
        for event in events.Tensors("learner/Loss")
    }
    for row in rows(finished / "learner.csv"):
        assert logged[int(row["agent_steps"])] == pytest.approx(
            float(row["loss"]), rel=1e-5
        )


def test_a_finished_run_can_be_made_longer(finished, tmp_path):
    workdir = tmp_path / "longer"
    subprocess.run(["cp", "-r", str(finished), str(workdir)], check=True)
    longer = tiny.spec(run={"max_agent_steps": 340, "evaluation_episodes": 0})
    with online.OnlineRun(longer, workdir) as run:
        assert run.position == 300
        assert int(run.learner.state.steps) == 50
        info = run._client.server_info()["transitions"]
        # Each transition but the one that the open episode had not completed.
        assert info.current_size == 299
        summary = run.run()
        assert compilations(run) == (1, 1, 0)
    assert summary["learner_steps"] == (340 - 100) * 0.25
    assert summary["replay_ratio_realised"] == 0.25
    log = rows(workdir / "learner.csv")
    assert [int(row["learner_steps"]) for row in log] == list(range(1, 61))
    seconds = [float(row["learner_walltime"]) for row in log]
    assert seconds == sorted(seconds)


def test_a_finished_run_keeps_its_settings_and_scores(finished, tmp_path):
    workdir = tmp_path / "again"
    shutil.copytree(finished, workdir)
    names = ("config.json", "scores.csv", "learner.csv", "summary.json")
    before = [(workdir / name).read_text() for name in names]
    asked = tiny.spec(run={"final_evaluation_episodes": 7})
    with online.OnlineRun(asked, workdir) as run:
        assert run.run()["status"] == "finished"
    assert [(workdir / name).read_text() for name in names] == before


def test_a_network_that_does_not_fit_the_environment_is_refused(tmp_path):
    pytest.importorskip("gymnasium")
    spec = tiny.spec(run={"environment": GymnasiumConfig(), "game": "CartPole-v1"})
    with pytest.raises(UnplayableError, match=r"^network: .*'gymnasium' \(.*'mlp'\)"):
        online.OnlineRun(spec, tmp_path)


def test_without_its_replay_a_run_fills_it_anew_first(tmp_path):
    short = {
        "max_agent_steps": 140,
        "evaluation_episodes": 0,
        "checkpoint_replay": False,
    }
    with online.OnlineRun(tiny.spec(run=short), tmp_path) as run:
        assert run.run()["learner_steps"] == 10
    more = {**short, "max_agent_steps": 280}
    with online.OnlineRun(tiny.spec(run=more), tmp_path) as run:
        summary = run.run()
    # 40 learning steps before, 100 of filling, 40 of learning.
    assert summary["learner_steps"] == 20
    assert summary["replay_ratio_realised"] == 0.25
    assert summary["replay_bytes_per_transition"] is None


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint(
    tmp_path, monkeypatch
):
    settings = {
        "checkpoint_every_minutes": 1e-9,
        "checkpoint_replay": False,
        "evaluation_episodes": 0,
    }
    with online.OnlineRun(tiny.spec(run=settings), str(tmp_path)) as run:
        step, poisoned = run.learner.step, []

        def poison():
            step()
            if run.position == 140 and not poisoned:
                poisoned.append(True)
                state = run.learner.state
                params = jax.tree.map(lambda w: w * np.nan, state.params)
                run.learner.restore(state._replace(params=params))

        monkeypatch.setattr(run.learner, "step", poison)
        with pytest.raises(
            NonFiniteLossError,
            match=r"a parameter is no number after 10 .*checkpoints/000000000139",
        ):
            run.run()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["status"].startswith("failed: a parameter is no number")


def test_a_builder_that_cannot_be_imported_needs_no_traceback(tmp_path):
    spec = tiny.spec(run={"agent": "tests.bad_agents:NO_BUILDER"})
    with pytest.raises(permanent_errors(), match=r"^agent: .* has no 'Missing'"):
        online.OnlineRun(spec, tmp_path)


def test_a_run_that_cannot_start_lets_go_of_its_folder(tmp_path):
    spec = tiny.spec(run={"acting": ActingConfig(device="accelerator")})
    with pytest.raises(NoAcceleratorError) as failed:
        online.OnlineRun(spec, tmp_path)
    # As a notebook does, this holds the traceback and with it the run.
    assert failed.traceback
    FolderLock(tmp_path, field="workdir").release()


def test_several_environments_share_one_call_of_the_policy(tmp_path):
    settings = {"num_environments": 4, "evaluation_episodes": 0}
    with online.OnlineRun(tiny.spec(run=settings), tmp_path) as run:
        summary = run.run()
        assert compilations(run) == (1, 1, 0)
        info = run._client.server_info()["transitions"]
        # Each of the four episodes that are open lacks its last transition.
        assert info.current_size == 300 - 4
    assert summary["agent_steps"] == 300
    assert summary["learner_steps"] == (300 - 100) * 0.25
    log = rows(tmp_path / "learner.csv")
    assert [int(row["learner_steps"]) for row in log] == list(range(1, 51))


def test_environments_whose_steps_would_not_end_at_the_run_s_are_refused(tmp_path):
    settings = {"max_agent_steps": 105, "evaluation_episodes": 0}
    with online.OnlineRun(tiny.spec(run=settings), tmp_path) as run:
        run.run()
    more = {**settings, "max_agent_steps": 300, "num_environments": 4}
    with pytest.raises(OtherStateError, match="a divisor of the 195 agent steps that"):
        online.OnlineRun(tiny.spec(run=more), tmp_path)


def test_the_last_evaluation_may_have_episodes_of_its_own(tmp_path):
    settings = {
        "evaluation_every": 200,
        "final_evaluation_episodes": 2,
        "environment": tiny.atari(max_episode_steps=40),
    }
    with online.OnlineRun(tiny.spec(run=settings), tmp_path) as run:
        run.run()
    scores = rows(tmp_path / "scores.csv")
    evaluated = [row["agent_steps"] for row in scores if row["kind"] == "evaluation"]
    assert evaluated == ["200", "300", "300"]


def start_endless(workdir, **run):
    """A run in a process of its own that would take far too long."""
    spec = tiny.spec(run={"max_agent_steps": 10**6, "evaluation_episodes": 0, **run})
    return start(
        "train.py",
        f"--config={ROOT / 'configs' / 'dqn_atari.py'}",
        *tiny.flags(spec),
        f"--workdir={workdir}",
    )


def resume(workdir, steps):
    """Resumes a run to that many agent steps, by the command that it printed."""
    flags = [f"--workdir={workdir}", f"--config.max_agent_steps={steps}"]
    result = launch("train.py", *flags)
    assert result.returncode == 0, result.stderr
    return result


def test_a_signal_saves_and_names_the_command_that_resumes(tmp_path):
    """SIGTERM; SIGINT stops a run on fixed data, in `test_offline.py`."""
    log = tmp_path / "learner.csv"
    process = start_endless(tmp_path)
    wait_for(process, lambda: log.exists() and len(rows(log)) > 2)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    found = re.search(r"SIGTERM: saved after (\d+) agent steps", stderr)
    assert found, stderr
    assert f"launchers/train.py --workdir={tmp_path}" in stderr
    stopped = int(found[1])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["agent_steps"] == stopped
    assert summary["learner_steps"] == (stopped - 100) // 4
    result = resume(tmp_path, stopped + 20)
    assert f"resuming after {stopped} agent steps" in result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["agent_steps"] == stopped + 20
    assert summary["learner_steps"] == (stopped + 20 - 100) // 4


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path):
    process = start_endless(tmp_path, checkpoint_every_minutes=0.01)
    folder = tmp_path / "checkpoints"

    def saved():
        return sorted(p.name for p in folder.glob("*") if p.name.isdigit())

    wait_for(process, lambda: len(saved()) >= 2 and int(saved()[-1]) > 110)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    last = int(saved()[-1])
    result = resume(tmp_path, last + 50)
    assert f"resuming after {last} agent steps" in result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["agent_steps"] == last + 50
    assert summary["learner_steps"] == (last + 50 - 100) // 4
    # Rows of what the killed run did after its checkpoint are not there twice.
    updates = [int(row["learner_steps"]) for row in rows(tmp_path / "learner.csv")]
    assert updates == sorted(set(updates))
