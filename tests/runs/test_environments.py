"""What an agent's settings make of a run's environment."""

import dataclasses

import numpy as np
from acme import specs

from acme_moe.agents.der import DERConfig
from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.environments import AtariConfig
from acme_moe.runs import config as config_lib
from acme_moe.runs.assembly import make_environment
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.specs import StackedFrames

FIRE = 1  # In Breakout.
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


def lives_end_episodes(game):
    environment = AtariConfig(sticky_action_probability=0.0, terminal_on_life_loss=True)
    run = OnlineRunConfig(agent="der", game=game, environment=environment)
    return OnlineRunSpec(run=run, agent=DERConfig())


def test_evaluation_lasts_for_whole_games_and_blanks_the_stack_after_each_life():
    """As training in everything that the agent sees, but for where episodes end."""
    spec = lives_end_episodes("Breakout")
    training = make_environment(spec, 0)
    evaluation = make_environment(spec, 0, evaluation=True)
    rng = np.random.default_rng(0)
    for _ in range(2):  # Games.
        theirs, ours = training.reset(), evaluation.reset()
        total = lost = 0
        while not ours.last():
            assert ours.first() == (total == lost == 0 and ours.reward is None)
            np.testing.assert_array_equal(ours.observation, theirs.observation)
            action = rng.integers(4)
            theirs, ours = training.step(action), evaluation.step(action)
            assert ours.reward == theirs.reward
            assert ours.reward.dtype == np.float32
            assert ours.discount == (0 if ours.last() else 1)
            total += ours.reward
            if theirs.last():
                lost += 1
                assert ours.last() == training.game_over
                if not ours.last():
                    theirs = training.reset()
                    assert not ours.observation[..., :-1].any()
        assert lost == 5
        assert total > 0
        assert evaluation.game_over
        assert evaluation.episode_return == total


def test_a_recurrent_agent_sees_the_action_and_reward_before_a_lost_life():
    run = lives_end_episodes("Breakout").run
    spec = dataclasses.replace(SPEC, run=dataclasses.replace(run, agent="r2d2"))
    environment = make_environment(spec, 0, evaluation=True)
    environment.reset()
    lives = environment.lives
    while environment.lives == lives:
        timestep = environment.step(np.int32(FIRE))
    assert not timestep.observation.observation[..., :-1].any()
    assert timestep.mid()
    assert timestep.observation.action == FIRE


def test_where_lives_end_no_episode_evaluation_is_as_training():
    environments = [
        make_environment(SPEC, 0, evaluation=evaluation) for evaluation in (False, True)
    ]
    steps = [
        [e.reset(), *(e.step(np.int32(2)) for _ in range(30))] for e in environments
    ]
    for theirs, ours in zip(*steps, strict=True):
        np.testing.assert_array_equal(
            ours.observation.observation, theirs.observation.observation
        )


def test_evaluation_games_of_a_fixed_policy_differ():
    run = dataclasses.replace(config_lib.preset("der_atari").run, game="Pong")
    short = dataclasses.replace(run.environment, max_episode_steps=40)
    run = dataclasses.replace(run, environment=short)
    spec = OnlineRunSpec(run=run, agent=DERConfig())
    environment = make_environment(spec, 0, evaluation=True)
    games = []
    for _ in range(20):
        game = [environment.reset()]
        while not game[-1].last():
            game.append(environment.step(2 + len(game) % 2))
        games.append(b"".join(step.observation.tobytes() for step in game))
    # Of 30 numbers of no-ops 20 draws hit 14.8 different ones on average.
    assert len(set(games)) >= 11
