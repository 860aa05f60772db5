"""What an agent's settings make of a run's environment."""

import dataclasses

import numpy as np
from acme import specs

from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.runs.assembly import make_environment
from acme_moe.runs.config import OnlineRunConfig, OnlineRunSpec
from acme_moe.specs import StackedFrames

SPEC = OnlineRunSpec(run=OnlineRunConfig(agent="r2d2", game="Pong"), agent=R2D2Config())


def test_an_agent_that_wants_them_sees_the_action_and_the_reward_before():
    environment = make_environment(SPEC, seed=0)
    spec = specs.make_environment_spec(environment).observations
    assert isinstance(spec.observation, StackedFrames)
    first = environment.reset().observation
    assert (first.action, first.reward) == (0, 0.0)
    timestep = environment.step(np.int32(2))
    assert timestep.observation.action == 2
    for leaf, of_spec in zip(timestep.observation[1:], spec[1:], strict=True):
        assert np.asarray(leaf).dtype == of_spec.dtype
    assert not environment.game_over
    environment.close()


def test_without_them_it_sees_the_game_alone():
    agent = dataclasses.replace(SPEC.agent, observe_action_and_reward=False)
    plain = dataclasses.replace(SPEC, agent=agent)
    environment = make_environment(plain, seed=0)
    assert isinstance(environment.observation_spec(), StackedFrames)
    environment.close()


def test_evaluation_lasts_for_whole_games():
    run = dataclasses.replace(
        SPEC.run,
        environment=dataclasses.replace(
            SPEC.run.environment, terminal_on_life_loss=True
        ),
    )
    spec = dataclasses.replace(SPEC, run=run)
    for evaluation in (False, True):
        environment = make_environment(spec, 0, evaluation=evaluation)
        config = environment.environment._config
        assert config.terminal_on_life_loss is not evaluation
        environment.close()
