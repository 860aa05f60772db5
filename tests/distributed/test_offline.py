"""A run on fixed data in several processes."""

import acme_moe
from acme_moe.agents.cql import CQLConfig
from acme_moe.environments import AtariConfig
from acme_moe.offline import DatasetConfig
from acme_moe.runs import online
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.distributed.launched import Launched
from tests.runs import tiny


def test_it_learns_evaluates_and_survives_its_learner(tmp_path):
    data = tmp_path / "set"
    recording = {"record": str(data), "evaluation_episodes": 0}
    with online.OnlineRun(tiny.spec(run=recording), tmp_path / "recorded") as run:
        run.run()
    spec = OfflineRunSpec(
        run=OfflineRunConfig(
            game="Pong",
            num_iterations=3,
            updates_per_iteration=400,
            evaluation_episodes=1,
            log_every_seconds=1e-6,
            checkpoint_every_minutes=1e-6,
            environment=AtariConfig(max_episode_steps=40),
            dataset=DatasetConfig(path=str(data), fraction=0.5),
        ),
        agent=CQLConfig(network=tiny.NETWORK, batch_size=4),
    )
    with Launched(tmp_path / "run", spec=spec) as launched:
        launched.wait_for(launched.checkpoints)
        launched.kill("learner")
        assert launched.ends() == 0, launched.logs()
        names = {path.stem for path in (tmp_path / "run" / "logs").glob("*.log")}
        assert names == {"coordinator", "evaluator", "learner"}
        summary = launched.summary()
        assert summary["status"] == "finished"
        assert summary["learner_steps"] == 1_200
        assert summary["agent_steps"] == 0
        assert summary["iterations"] == 3
        assert summary["dataset_transitions"] > 100
        assert summary["node_restarts"] == {"learner": 1}
        last = launched.rows("scores.csv")[-1]
        assert (last["kind"], last["learner_steps"]) == ("evaluation", "1200")
        assert launched.checkpoints()[-1].startswith(f"{1_200:012d}")
        counts = acme_moe.load(tmp_path / "run").checkpoint.counts
        assert counts["learner_steps"] == 1_200
        launched.stderr.seek(0)
        assert "1200/1200 updates" in launched.stderr.read()
