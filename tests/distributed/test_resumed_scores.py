"""What `scores.csv` holds when a run of many processes has gone on: each row once."""

import signal

import pytest

from acme_moe.agents.cql import CQLConfig
from acme_moe.environments import AtariConfig
from acme_moe.offline import DatasetConfig
from acme_moe.runs import online
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.distributed.launched import Launched
from tests.runs import tiny

PERIOD = 500
ENDLESS = 10**6 * PERIOD
SHORT_GAMES = AtariConfig(max_episode_steps=40)


def acting(folder):
    """A run that acts, and how to say that it is to end."""
    del folder
    run = {
        "max_agent_steps": ENDLESS,
        "evaluation_every": PERIOD,
        "environment": SHORT_GAMES,
    }
    return tiny.spec(run=run), lambda n: f"--config.max_agent_steps={n * PERIOD}"


def on_fixed_data(folder):
    """A run that learns from what another recorded."""
    data = folder / "set"
    recording = {"record": str(data), "evaluation_episodes": 0, "max_agent_steps": 150}
    with online.OnlineRun(tiny.spec(run=recording), folder / "recorded") as run:
        run.run()
    spec = OfflineRunSpec(
        run=OfflineRunConfig(
            game="Pong",
            num_iterations=ENDLESS // PERIOD,
            updates_per_iteration=PERIOD,
            evaluation_episodes=1,
            environment=SHORT_GAMES,
            dataset=DatasetConfig(path=str(data), fraction=0.5),
        ),
        agent=CQLConfig(network=tiny.NETWORK, batch_size=4),
    )
    return spec, lambda n: f"--config.num_iterations={n}"


@pytest.mark.parametrize(
    ("make", "count"), [(acting, "agent_steps"), (on_fixed_data, "learner_steps")]
)
def test_a_run_that_is_interrupted_after_an_evaluation(tmp_path, make, count):
    spec, until = make(tmp_path)
    workdir = tmp_path / "run"

    def scores(run):
        if not (workdir / "scores.csv").exists():
            return []
        return run.rows("scores.csv")

    def evaluations(run):
        return [row for row in scores(run) if row["kind"] == "evaluation"]

    actors = ["--num_actors=1"] if make is acting else []
    with Launched(workdir, *actors, spec=spec) as run:
        run.wait_for(lambda: evaluations(run))
        run.process.send_signal(signal.SIGINT)
        assert run.ends() == 128 + signal.SIGINT, run.logs()
        before = scores(run)
        # As many as fit between where it is and what was asked for.
        periods = run.summary()[count] // PERIOD + 2
    with Launched(workdir, until(periods)) as run:
        assert run.ends() == 0, run.logs()
        after = scores(run)
        assert after[: len(before)] == before
        evaluated = [int(row[count]) for row in evaluations(run)]
        assert evaluated[-1] == periods * PERIOD
        # One in each period, at most: none is played twice.
        due = [position // PERIOD for position in evaluated]
        assert due == sorted(set(due))
        trained = [int(row["episode"]) for row in after if row["kind"] == "training"]
        assert trained == list(range(1, len(trained) + 1))
