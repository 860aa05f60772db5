"""Real runs on real frames: recorded by one run, learnt from by another."""

import contextlib
import json
import re
import signal

import jax
import numpy as np
import pytest

import acme_moe
from acme_moe.agents.cql import CQLC51Config, CQLConfig
from acme_moe.diagnostics import DiagnosticsConfig
from acme_moe.networks.settings import NetworkConfig
from acme_moe.offline import DatasetConfig, reader
from acme_moe.offline.reader import DatasetError
from acme_moe.reporting.runs import read_run
from acme_moe.runs import config as config_lib
from acme_moe.runs import online
from acme_moe.runs.assembly import Parts
from acme_moe.runs.offline import OfflineRun, fixed_data
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.offline import sets
from tests.programs import ROOT, launch, rows, start, wait_for
from tests.runs import tiny


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A set that a run wrote, of several environments, in two parts."""
    folder = tmp_path_factory.mktemp("recorded")
    settings = {
        "record": str(folder / "set"),
        "evaluation_episodes": 0,
        "environment": tiny.atari(max_episode_steps=350),
        "num_environments": 2,
        "environment_processes": 1,
    }
    for steps in (300, 600):
        spec = tiny.spec(
            run={**settings, "max_agent_steps": steps},
            agent={"replay_ratio": 0.02},
        )
        with online.OnlineRun(spec, folder / "run") as run:
            run.run()
    return folder / "set"


def spec(path, run=None, agent=None, dataset=None):
    settings = {
        "num_iterations": 2,
        "updates_per_iteration": 6,
        "evaluation_episodes": 1,
        "log_every_seconds": 1e-6,
        "environment": tiny.atari(max_episode_steps=40),
        "dataset": DatasetConfig(
            **{"path": str(path), "fraction": 0.5, **(dataset or {})}
        ),
    }
    return OfflineRunSpec(
        run=OfflineRunConfig(**{**settings, **(run or {})}),
        agent=agent or CQLConfig(network=tiny.NETWORK, batch_size=4),
    )


def test_a_run_writes_a_set_of_all_its_steps(recorded):
    numbers = reader.list_files(str(recorded))
    assert numbers == [0, 1]
    taken = 0
    for number in numbers:
        columns = reader.read_columns(str(recorded), number)
        starts = np.flatnonzero(np.concatenate([[True], columns.last[:-1]]))
        frames = np.concatenate(
            [part.copy() for _, part in reader.read_frames(str(recorded), number)]
        )
        # Rows but for those of zeros that an episode starts with.
        blank = ~frames.any(axis=(1, 2))
        assert blank[starts].all()
        taken += (~blank).sum()
    assert taken == 600


def test_rewards_of_fixed_data_are_clipped_and_discounted_as_the_agent_says(tmp_path):
    sets.write_noise(tmp_path / "set", shape=(36, 36))
    agent = CQLConfig(
        network=tiny.NETWORK,
        batch_size=512,
        n_step=2,
        discount=0.5,
        max_abs_reward=0.25,
    )
    of_run = spec(tmp_path / "set", agent=agent, dataset={"fraction": 1.0})
    with contextlib.closing(fixed_data(of_run, Parts(of_run), 0).samples) as samples:
        batch = jax.device_get(next(samples).transitions)
    assert set(batch.discount.tolist()) == {0.0, 0.5}
    # Most rewards are larger, and two of a sign make this much.
    assert np.abs(batch.reward).max() == 0.25 + 0.5 * 0.25


@pytest.fixture(scope="module")
def finished(recorded, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("finished")
    with OfflineRun(spec(recorded), workdir) as run:
        run.run()
        assert run.learner._update.compiled._cache_size() == 1
        params = jax.tree.map(np.asarray, run.learner.state.params)
    return workdir, params


def test_its_agent_loads(finished):
    workdir, params = finished
    agent = acme_moe.load(workdir)
    jax.tree.map(np.testing.assert_array_equal, agent.params, params)
    observation = agent.make_environment().reset().observation
    assert agent.act(observation) in range(6)
    assert agent.spec.unit == "updates"


def test_the_summary_says_what_the_run_did(finished):
    summary = json.loads((finished[0] / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert (summary["agent"], summary["game"]) == ("cql", "Pong")
    assert (summary["agent_steps"], summary["learner_steps"]) == (0, 12)
    assert summary["iterations"] == 2
    assert summary["updates_per_second"] > 0
    assert summary["dataset_files"] == 2
    total = summary["dataset_total_transitions"]
    # Two ends, and two environments that were cut where a part of the run ended.
    assert 600 - 2 * 2 * 7 <= total < 600
    assert summary["dataset_transitions"] == round(0.5 * total)
    assert 100 < summary["dataset_bytes_per_transition"] < 7_200
    assert summary["evaluated_at"] == 12


def test_the_folder_is_read_as_any_other(finished):
    workdir, _ = finished
    run = read_run(workdir)
    assert [(e.agent_steps, e.learner_steps, e.kind) for e in run.episodes] == [
        (0, 6, "evaluation"),
        (0, 12, "evaluation"),
    ]
    log = rows(workdir / "learner.csv")
    assert [int(row["learner_steps"]) for row in log] == list(range(1, 13))
    assert all(float(row["conservative_loss"]) > 0 for row in log)


def test_going_on_is_as_though_it_had_never_stopped(finished, recorded, tmp_path):
    workdir, params = finished
    short = spec(recorded, run={"num_iterations": 1})
    with OfflineRun(short, tmp_path) as run:
        run.run()
    longer = spec(recorded)
    config_lib.check_resumes(longer, tmp_path)
    with OfflineRun(longer, tmp_path) as run:
        assert run.position == 6
        run.run()
        jax.tree.map(np.testing.assert_array_equal, run.learner.state.params, params)
    names = ("learner_steps", "loss", "conservative_loss")
    for one, other in zip(
        rows(workdir / "learner.csv"), rows(tmp_path / "learner.csv"), strict=True
    ):
        assert [one[name] for name in names] == [other[name] for name in names]


def test_cql_c51_and_several_updates_a_call(recorded, tmp_path):
    agent = CQLC51Config(
        network=NetworkConfig(
            encoder="mlp",
            mlp_widths=(8,),
            tokenizer="per_samp",
            moe="top1",
            num_experts=2,
            expert_width=8,
            dueling=True,
            num_atoms=5,
        ),
        batch_size=4,
        sgd_steps_per_call=3,
    )
    settings = {
        "agent": "cql_c51",
        "evaluation_episodes": 0,
        "diagnostics": DiagnosticsConfig(every=6, definitions="authors"),
    }
    with OfflineRun(spec(recorded, settings, agent), tmp_path) as run:
        summary = run.run()
    assert summary["learner_steps"] == 12
    assert summary["agent"] == "cql_c51"
    measured = rows(tmp_path / "diagnostics.csv")
    assert [row["learner_steps"] for row in measured] == ["6", "12"]
    # Of the 12 items of a call, those of the last update.
    assert all(1 <= float(row["authors_entk_srank_0.0"]) <= 4 for row in measured)
    stored = config_lib.read_config_json(tmp_path / "config.json")
    assert stored == spec(recorded, settings, agent)


def test_what_is_refused_is_named(recorded, tmp_path):
    with pytest.raises(DatasetError, match=r"dataset\.path: is missing"):
        OfflineRun(spec(""), tmp_path / "a")
    with pytest.raises(DatasetError, match=r"ckpt\.2\.gz: .*0 to 49.*num_files=0"):
        OfflineRun(spec(recorded, dataset={"num_files": 50}), tmp_path / "b")
    with pytest.raises(ValueError, match=r"^updates_per_iteration: 5 .*multiple of"):
        spec(
            recorded,
            {"updates_per_iteration": 5},
            CQLConfig(network=tiny.NETWORK, sgd_steps_per_call=2),
        )
    flat = config_lib.to_config_dict(spec(recorded)).to_dict()
    with pytest.raises(ValueError, match=r"^max_agent_steps: is not a field"):
        config_lib.from_config_dict({**flat, "max_agent_steps": 3})
    flat["dataset"]["fraction"] = 1.5
    with pytest.raises(ValueError, match=r"^dataset\.fraction: 1\.5 is not accepted"):
        config_lib.from_config_dict(flat)


def test_a_launcher_names_the_other_where_that_is_meant(tmp_path):
    for program, config, other in (
        ("train.py", "cql_atari.py", "launchers/train_offline.py trains it"),
        ("train_offline.py", "dqn_atari.py", "launchers/train.py trains it"),
    ):
        result = launch(
            program, f"--config={ROOT / 'configs' / config}", f"--workdir={tmp_path}"
        )
        assert result.returncode == 2
        assert other in result.stderr


def test_the_launcher_stops_and_resumes(recorded, tmp_path):
    endless = spec(recorded, {"num_iterations": 10**6, "evaluation_episodes": 0})
    process = start(
        "train_offline.py",
        f"--config={ROOT / 'configs' / 'cql_atari.py'}",
        *tiny.flags(endless),
        f"--workdir={tmp_path}",
    )
    log = tmp_path / "learner.csv"
    wait_for(process, lambda: log.exists() and len(rows(log)) > 2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGINT
    found = re.search(r"SIGINT: saved after (\d+) updates", stderr)
    assert found, stderr
    assert f"launchers/train_offline.py --workdir={tmp_path}" in stderr
    stopped = int(found[1])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["status"], summary["learner_steps"]) == ("interrupted", stopped)
    # A set that has moved is found by its new path.
    (tmp_path / "moved").symlink_to(recorded)
    iterations = stopped // 6 + 2
    result = launch(
        "train_offline.py",
        f"--workdir={tmp_path}",
        f"--config.dataset.path={tmp_path / 'moved'}",
        f"--config.num_iterations={iterations}",
    )
    assert result.returncode == 0, result.stderr
    assert f"resuming after {stopped} updates" in result.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["learner_steps"] == 6 * iterations
    updates = [int(row["learner_steps"]) for row in rows(log)]
    assert updates == sorted(set(updates))
