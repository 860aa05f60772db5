"""What `scores.csv` holds when a run has died and gone on: each row once."""

import pytest

from acme_moe.agents.cql import CQLConfig
from acme_moe.environments import AtariEnvironment
from acme_moe.offline import DatasetConfig
from acme_moe.runs import online
from acme_moe.runs.offline import OfflineRun
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.offline import sets
from tests.programs import rows
from tests.runs import tiny

SHORT_GAMES = tiny.atari(max_episode_steps=20)
NEVER, ALWAYS = 1e6, 1e-6


class KilledError(Exception):
    """Stands for a process's death."""


@pytest.fixture
def die(monkeypatch):
    """Lets the process die in an environment's step of that number."""

    def set_up(at):
        step, steps = AtariEnvironment.step, iter(range(1, at))

        def step_or_die(self, action):
            if next(steps, None) is None:
                monkeypatch.setattr(AtariEnvironment, "step", step)
                raise KilledError
            return step(self, action)

        monkeypatch.setattr(AtariEnvironment, "step", step_or_die)

    return set_up


def scores(workdir, kind):
    return [row for row in rows(workdir / "scores.csv") if row["kind"] == kind]


# In the warm-up after an evaluation, in the second one, and while it learns.
@pytest.mark.parametrize(
    ("dies_at", "checkpoint_every_minutes"), [(80, NEVER), (120, ALWAYS), (165, ALWAYS)]
)
def test_a_run_that_acts(tmp_path, die, dies_at, checkpoint_every_minutes):
    spec = tiny.spec(
        run={
            "max_agent_steps": 150,
            "evaluation_every": 50,
            "environment": SHORT_GAMES,
            "checkpoint_every_minutes": checkpoint_every_minutes,
            "checkpoint_replay": False,
        },
        agent={"replay_ratio": 0.1},
    )
    die(dies_at)
    with (
        pytest.raises(KilledError),
        online.OnlineRun(spec, tmp_path) as run,
    ):
        run.run()
    assert scores(tmp_path, "evaluation")
    with online.OnlineRun(spec, tmp_path) as run:
        run.run()
    evaluated = [int(row["agent_steps"]) for row in scores(tmp_path, "evaluation")]
    assert evaluated == [50, 100, 150]
    trained = scores(tmp_path, "training")
    assert [int(row["episode"]) for row in trained] == list(range(1, len(trained) + 1))
    ends = [int(row["agent_steps"]) for row in trained]
    assert ends == sorted(set(ends))


@pytest.mark.parametrize("checkpoint_every_minutes", [NEVER, ALWAYS])
def test_a_run_on_fixed_data(tmp_path, die, checkpoint_every_minutes):
    data = tmp_path / "set"
    sets.write_noise(data, shape=(36, 36), num_actions=6)
    spec = OfflineRunSpec(
        run=OfflineRunConfig(
            num_iterations=3,
            updates_per_iteration=2,
            evaluation_episodes=2,
            checkpoint_every_minutes=checkpoint_every_minutes,
            environment=SHORT_GAMES,
            dataset=DatasetConfig(path=str(data), fraction=0.5),
        ),
        agent=CQLConfig(network=tiny.NETWORK, batch_size=4),
    )
    die(at=70)  # In the second game of the second evaluation.
    with pytest.raises(KilledError), OfflineRun(spec, tmp_path) as run:
        run.run()
    with OfflineRun(spec, tmp_path) as run:
        run.run()
    assert [
        (int(row["learner_steps"]), int(row["episode"]))
        for row in scores(tmp_path, "evaluation")
    ] == [(2, 1), (2, 2), (4, 1), (4, 2), (6, 1), (6, 2)]
