"""The settings of a distributed run, and what an actor's agent becomes with them."""

import pytest

from acme_moe.agents.dqn import DQNConfig
from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.distributed import config as config_lib
from acme_moe.distributed.config import DistributedConfig
from acme_moe.runs.config import from_config_dict
from tests.distributed.launched import PATIENCE, TRAIN
from tests.programs import ROOT, run_python
from tests.runs import tiny


def test_actors_explore_as_in_apex():
    config = DistributedConfig(num_actors=8, apex_epsilon=0.4)
    assert config.epsilon(0) == pytest.approx(0.4)
    assert config.epsilon(7) == pytest.approx(0.4**8)
    assert config.epsilon(3) == pytest.approx(0.4**4)
    assert DistributedConfig(num_actors=1, apex_epsilon=0.4).epsilon(0) == 0.4
    assert DistributedConfig().epsilon(0) is None


def test_an_actor_of_any_agent_takes_its_epsilon():
    assert DQNConfig().with_epsilon(0.4) == DQNConfig(epsilon=0.4)
    agent = R2D2Config().with_epsilon(0.4)
    assert (agent.epsilon, agent.max_epsilon, agent.num_epsilons) == (0.4, 0.4, 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_actors": 0}, "num_actors: 0 is not accepted"),
        ({"num_actors": 4, "num_replay_servers": 3}, "a divisor of num_actors"),
        ({"apex_epsilon": 0.0}, "apex_epsilon: 0.0 is not accepted"),
        ({"apex_epsilon": 1.5}, "apex_epsilon: 1.5 is not accepted"),
        ({"parameter_period": 1.5}, "parameter_period"),
    ],
)
def test_a_wrong_value_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        DistributedConfig(**fields)


def test_the_folder_keeps_them_for_the_command_that_resumes(tmp_path):
    assert config_lib.read(tmp_path) == DistributedConfig()
    config = DistributedConfig(num_actors=6, num_replay_servers=2, apex_epsilon=0.3)
    config_lib.write(config, tmp_path)
    assert config_lib.read(tmp_path) == config
    (tmp_path / "distributed.json").write_text('{"actors": 3}')
    with pytest.raises(ValueError, match="actors"):
        config_lib.read(tmp_path)
    (tmp_path / "distributed.json").write_text("")
    with pytest.raises(ValueError, match=r"distributed\.json: is not JSON"):
        config_lib.read(tmp_path)


def test_the_launcher_refuses_what_cannot_be_and_starts_nothing(tmp_path):
    result = run_python(
        *TRAIN[1:],
        f"--config={ROOT / 'configs' / 'dqn_atari.py'}",
        f"--workdir={tmp_path / 'run'}",
        *("--num_actors=3", "--num_replay_servers=2"),
        timeout=PATIENCE,
    )
    assert result.returncode == 2
    assert result.stderr.startswith(
        "error: num_replay_servers: 2 is not accepted; a divisor of num_actors (3)"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("run", "agent", "message"),
    [
        ({"record": "somewhere"}, {}, r"^record: 'somewhere' is not accepted; none"),
        ({}, {"n_step": 30}, r"^min_replay_size: 100 is not accepted; at least 120"),
    ],
)
def test_a_run_that_cannot_be_distributed_is_refused(run, agent, message):
    with pytest.raises(ValueError, match=message):
        config_lib.check(DistributedConfig(), tiny.spec(run=run, agent=agent))


@pytest.mark.parametrize("agent", ["dqn", "cql"])
def test_only_the_learner_has_the_accelerator(agent):
    spec = from_config_dict({"agent": agent, "acting": {"device": "accelerator"}})
    with pytest.raises(ValueError, match=r"^acting\.device: 'accelerator' is not"):
        config_lib.check(DistributedConfig(), spec)
