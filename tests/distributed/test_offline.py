"""A run on fixed data in several processes, which loses its learner and is resumed."""

import signal

import acme_moe
from acme_moe.agents.cql import CQLConfig
from acme_moe.offline import DatasetConfig
from acme_moe.runs import online
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.distributed.launched import Launched
from tests.runs import tiny

PERIOD = 500


def endless(folder):
    """A run without an end that learns from what another recorded."""
    data = folder / "set"
    recording = {"record": str(data), "evaluation_episodes": 0}
    with online.OnlineRun(tiny.spec(run=recording), folder / "recorded") as run:
        run.run()
    return OfflineRunSpec(
        run=OfflineRunConfig(
            game="Pong",
            num_iterations=10**6,
            updates_per_iteration=PERIOD,
            evaluation_episodes=1,
            log_every_seconds=1e-6,
            checkpoint_every_minutes=1e-6,
            environment=tiny.atari(max_episode_steps=40),
            dataset=DatasetConfig(path=str(data), fraction=0.5),
        ),
        agent=CQLConfig(network=tiny.NETWORK, batch_size=4),
    )


def evaluations(run):
    if not (run.workdir / "scores.csv").exists():
        return []
    rows = run.rows("scores.csv")
    assert {row["kind"] for row in rows} <= {"evaluation"}
    return rows


def test_it_survives_its_learner_and_goes_on_with_each_evaluation_once(tmp_path):
    workdir = tmp_path / "run"
    with Launched(workdir, spec=endless(tmp_path)) as run:
        # The first is there before the first update.
        run.wait_for(run.checkpoints)
        learner = run.kill("learner")
        run.wait_for(lambda: run.pid("learner") not in (None, learner))
        run.wait_for(lambda: evaluations(run))
        run.process.send_signal(signal.SIGINT)
        assert run.ends() == 128 + signal.SIGINT, run.logs()
        before = evaluations(run)
        summary = run.summary()
        assert summary["status"] == "interrupted"
        assert summary["node_restarts"] == {"learner": 1}
        # As many as fit between where it is and what was asked for.
        periods = summary["learner_steps"] // PERIOD + 2
    with Launched(workdir, f"--config.num_iterations={periods}") as run:
        assert run.ends() == 0, run.logs()
        names = {path.stem for path in (workdir / "logs").glob("*.log")}
        assert names == {"coordinator", "evaluator", "learner"}
        summary, updates = run.summary(), periods * PERIOD
        assert summary["status"] == "finished"
        assert summary["learner_steps"] == updates
        assert summary["agent_steps"] == 0
        assert summary["iterations"] == periods
        assert summary["dataset_transitions"] > 100
        after = evaluations(run)
        assert after[: len(before)] == before
        evaluated = [int(row["learner_steps"]) for row in after]
        assert evaluated[-1] == updates
        # One in each period, at most: none is played twice.
        due = [position // PERIOD for position in evaluated]
        assert due == sorted(set(due))
        assert run.checkpoints()[-1].startswith(f"{updates:012d}")
        assert acme_moe.load(workdir).checkpoint.counts["learner_steps"] == updates
        run.stderr.seek(0)
        assert f"{updates}/{updates} updates" in run.stderr.read()
