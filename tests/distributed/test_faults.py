"""Real processes over real Reverb and Courier, and what happens when they are killed.

Each launch takes a while to start, so that several faults share one.
"""

import json
import signal
import socket

import psutil
import pytest

import acme_moe
from acme_moe import memory
from acme_moe.diagnostics import DiagnosticsConfig
from acme_moe.distributed import launch
from acme_moe.distributed.config import DistributedConfig
from acme_moe.runs.checkpoint import run_state
from acme_moe.runs.checkpoints import Checkpoints
from tests.distributed.launched import PATIENCE, TRAIN, Launched, flags
from tests.programs import run_python
from tests.runs import stored, tiny

SHORT_EPISODES = tiny.atari(max_episode_steps=300)
PERIOD = 100
OFTEN = {
    "checkpoint_every_minutes": 0.02,
    "evaluation_every": PERIOD,
    "environment": tiny.atari(max_episode_steps=60),
}


def spec(steps, run=None, agent=None):
    fields = {"max_agent_steps": steps, "environment": SHORT_EPISODES, **(run or {})}
    return tiny.spec(run=fields, agent=agent)


def position(checkpoint):
    return int(checkpoint.partition("_")[0])


def is_free(port):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("localhost", port))
        except OSError:
            return False
        return True


def test_actor_evaluator_and_coordinator_are_replaced_and_the_run_ends(tmp_path):
    workdir = tmp_path / "run"
    with Launched(
        workdir,
        "--num_actors=2",
        "--num_replay_servers=2",
        "--apex_epsilon=0.4",
        spec=spec(
            1_500,
            run={
                "evaluation_every": 1_000,
                "diagnostics": DiagnosticsConfig(every=500),
            },
        ),
    ) as run:
        # So that the first steps are taken by the actor that is killed below.
        run.wait_for(lambda: run.pid("actor_0"))
        run.kill("actor_0", signal.SIGSTOP)
        run.wait_for(lambda: run.state()["agent_steps"] > 150)
        run.kill("actor_0", signal.SIGCONT)
        learner, other = run.pid("learner"), run.pid("actor_0")
        ports = run.ports()
        assert len(ports) >= 4  # Two of Reverb; learner's and coordinator's.

        at = run.state()["agent_steps"]
        coordinator = run.kill("coordinator")
        run.wait_for(lambda: run.pid("coordinator") not in (None, coordinator))
        run.wait_for(lambda: run.state()["agent_steps"] > at)

        killed = {run.kill("actor_1"), run.kill("evaluator")}
        at = run.state()["agent_steps"]
        run.wait_for(
            lambda: (
                {run.pid("actor_1"), run.pid("evaluator")} & {None, *killed} == set()
            )
        )
        run.wait_for(lambda: run.state()["agent_steps"] > at)
        assert (run.pid("learner"), run.pid("actor_0")) == (learner, other)
        assert run.ends() == 0, run.logs()
        assert all(is_free(port) for port in ports)
        summary = run.summary()
        assert summary["status"] == "finished"
        assert summary["agent_steps"] == 1_500
        assert summary["learner_steps"] == (1_500 - 100) * 0.25
        assert summary["replay_ratio_realised"] == 0.25
        assert summary["evaluated_at"] == 1_500
        # Without this restart there would be no final evaluation. The actor's is looked
        # for in its log: actor_0 may finish before the coordinator is told of it.
        assert summary["node_restarts"]["evaluator"] == 1
        assert run.log("actor_1").count("actor_1 starts") == 2
        assert summary["parameter_age_updates"] >= 0
        scores = run.rows("scores.csv")
        evaluated = [int(r["agent_steps"]) for r in scores if r["kind"] == "evaluation"]
        assert evaluated[-1] == 1_500
        updates = [int(r["learner_steps"]) for r in run.rows("learner.csv")]
        assert updates == list(range(1, 351))
        measured = run.rows("diagnostics.csv")
        assert [int(row["agent_steps"]) // 500 for row in measured] == [1, 2, 3]
        assert all(0 < float(row["ntk_rank"]) <= 4 for row in measured)
        # Each server holds what its own actor wrote.
        for server in "01":
            part = workdir / "checkpoints" / run.checkpoints()[-1] / "replay" / server
            assert (part / "items.tfrecord").stat().st_size > 10_000
        run.stderr.seek(0)
        line = run.stderr.read().splitlines()[-1]
        for word in ("steps/s", "updates/s", "replay", "ratio 0.25", "evaluation"):
            assert word in line
        assert "actor_1" in run.process.stdout.read()


def test_learner_replay_and_all_come_back_from_the_checkpoint_until_ctrl_c(
    tmp_path, malloc_unset
):
    """And a run that goes on after an evaluation has each of its scores once."""
    workdir = tmp_path / "run"
    endless = spec(10**6, run=OFTEN)
    with Launched(workdir, "--num_actors=1", spec=endless) as run:
        run.wait_for(
            lambda: run.checkpoints() and position(run.checkpoints()[-1]) > 200
        )
        run.wait_for(run.evaluations)
        agent = acme_moe.load(workdir)
        assert agent.act(agent.make_environment().reset().observation) in range(6)

        actor, replay = run.pid("actor_0"), run.pid("replay_0")
        keep_freed = [
            memory.VARIABLES.items() <= psutil.Process(pid).environ().items()
            for pid in (run.pid("learner"), actor, replay)
        ]
        assert keep_freed == [True, False, False]
        run.kill("learner")
        # From its start on, all that is learnt is the new one's.
        run.wait_for(lambda: run.starts("learner") == 2)
        at = run.state()["learner_steps"]
        run.wait_for(lambda: run.state()["learner_steps"] > at + 20)
        assert (run.pid("actor_0"), run.pid("replay_0")) == (actor, replay)
        updates = [int(row["learner_steps"]) for row in run.rows("learner.csv")]
        assert updates == sorted(set(updates))

        learner = run.pid("learner")
        run.kill("replay_0")
        run.wait_for(lambda: run.starts("replay_0") == 2)
        at = run.state()
        run.wait_for(
            lambda: (
                run.state()["learner_steps"] > at["learner_steps"] + 20
                and run.state()["agent_steps"] > at["agent_steps"] + 80
            )
        )
        assert (run.pid("actor_0"), run.pid("learner")) == (actor, learner)

        # The new learner's, so that it knows of the first evaluation.
        last = run.checkpoints()[-1]
        run.wait_for(lambda: run.checkpoints()[-1] != last)
        run.kill_everything()
        assert not run.processes()
        saved = run_state(Checkpoints(workdir / "checkpoints").latest())
        scores = run.rows("scores.csv")
    # A row that came after the checkpoint belongs to what is lost.
    scored = {"training": saved.agent_steps, "evaluation": saved.evaluated_at}
    before = [row for row in scores if int(row["agent_steps"]) <= scored[row["kind"]]]
    assert {row["kind"] for row in before} == {"training", "evaluation"}
    goal = max(int(row["agent_steps"]) for row in scores) + PERIOD
    with Launched(workdir, f"--config.max_agent_steps={2 * 10**6}") as run:
        run.wait_for(lambda: int(run.evaluations()[-1]["agent_steps"]) > goal)
        run.process.send_signal(signal.SIGINT)
        assert run.ends() == 128 + signal.SIGINT, run.logs()
        summary = run.summary()
        assert summary["status"] == "interrupted"
        steps = summary["agent_steps"]
        assert steps > goal
        # Updates may be missing for as many agent steps as actors may be ahead.
        assert summary["learner_steps"] == pytest.approx(0.25 * (steps - 100), abs=4)
        updates = [int(row["learner_steps"]) for row in run.rows("learner.csv")]
        assert updates == sorted(set(updates))
        assert position(run.checkpoints()[-1]) == steps
        run.stderr.seek(0)
        stderr = run.stderr.read()
        assert f"SIGINT: saved after {steps} agent steps. To resume:" in stderr
        assert f"launchers/train_distributed.py --workdir={workdir}" in stderr
        after = run.rows("scores.csv")
        assert after[: len(before)] == before
        # One in each period, at most: none is played twice.
        due = [int(row["agent_steps"]) // PERIOD for row in run.evaluations()]
        assert due == sorted(set(due))
        trained = [int(row["episode"]) for row in after if row["kind"] == "training"]
        assert trained == list(range(1, len(trained) + 1))


def test_a_run_that_cannot_continue_says_why(tmp_path):
    workdir = tmp_path / "run"
    # Whose optimiser is another than the learner's.
    stored.store(spec(500), workdir)
    with Launched(workdir, "--num_actors=1", spec=spec(500)) as run:
        assert run.ends() == 1, run.logs()
        run.stderr.seek(0)
        assert "has no array .opt_state" in run.stderr.read()
    # Launchpad may end before it has printed what its processes have.
    log = (workdir / "logs" / "learner.log").read_text()
    assert "error: " in log
    assert "has no array .opt_state" in log


def test_threads_of_one_process_do_the_same(tmp_path):
    workdir = tmp_path / "run"
    done = run_python(
        *TRAIN[1:],
        *flags(workdir, spec(200)),
        *("--num_actors=2", "--launch_type=local_mt"),
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((workdir / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["agent_steps"] == 200
    assert summary["learner_steps"] == (200 - 100) * 0.25
    assert summary["evaluated_at"] == 200


def test_nodes_that_would_not_find_each_other_are_not_launched(tmp_path, monkeypatch):
    def unknown(host, *_):
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(launch.FailedRunError, match="localhost has no address"):
        launch.run_distributed(spec(1000), tmp_path, DistributedConfig())
    assert not list(tmp_path.iterdir())
