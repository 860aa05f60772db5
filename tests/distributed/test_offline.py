"""A run on fixed data in several processes, which loses its learner and is resumed."""

import signal

import acme_moe
from acme_moe.agents.cql import CQLConfig
from acme_moe.offline import DatasetConfig
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.distributed.launched import Launched
from tests.offline import sets
from tests.runs import tiny

PERIOD = 100


def endless(folder):
    """A run without an end."""
    data = folder / "set"
    sets.write_noise(data, shape=(36, 36), num_actions=6)
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


def test_it_survives_its_learner_and_goes_on_with_each_evaluation_once(tmp_path):
    workdir = tmp_path / "run"
    with Launched(workdir, spec=endless(tmp_path)) as run:
        # The first is there before the first update.
        run.wait_for(run.checkpoints)
        learner = run.kill("learner")
        run.wait_for(lambda: run.pid("learner") not in (None, learner))
        run.wait_for(lambda: run.evaluations())
        run.process.send_signal(signal.SIGINT)
        assert run.ends() == 128 + signal.SIGINT, run.logs()
        before = run.evaluations()
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
        after = run.evaluations()
        assert run.rows("scores.csv") == after
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
