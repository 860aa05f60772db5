"""Games that start with a number of no-ops, against no-ops that are played by hand."""

import numpy as np
import pytest

from acme_moe.environments import AtariConfig, AtariEnvironment

NOOP, FIRE = 0, 1


def make(game, seed=0, **settings):
    config = AtariConfig(sticky_action_probability=0.0, **settings)
    return AtariEnvironment(game, seed, config)


def ram(environment):
    return environment.ale.getRAM().tobytes()


def starts_by_hand(game, numbers):
    """RAM and newest frame after each number of no-ops from a game's start."""
    environment = make(game)
    timestep = environment.reset()
    found = []
    for _ in range(numbers):
        found.append((ram(environment), timestep.observation[..., -1]))
        timestep = environment.step(NOOP)
    return found


def test_games_start_after_every_number_of_noops_below_the_limit():
    by_hand = starts_by_hand("Pong", 8)
    numbers = {memory: number for number, (memory, _) in enumerate(by_hand)}
    assert len(numbers) == 8
    environment = make("Pong", max_noop_starts=6)
    drawn = []
    for _ in range(120):
        first = environment.reset()
        drawn.append(numbers[ram(environment)])
        assert not first.observation[..., :-1].any()
        frame = by_hand[drawn[-1]][1]
        np.testing.assert_array_equal(first.observation[..., -1], frame)
    counts = np.bincount(drawn, minlength=8)
    assert not counts[6:].any()
    assert counts[:6].min() >= 8  # 20 expected; below 8 with probability 0.003.


def test_the_seed_decides_the_starts():
    def starts(seed):
        environment = make("Pong", seed, max_noop_starts=30)
        found = []
        for _ in range(8):
            environment.reset()
            found.append(ram(environment))
        return found

    assert starts(5) == starts(5)
    assert starts(5) != starts(6)


@pytest.mark.parametrize("choices", [0, 1])
def test_without_a_choice_games_start_at_their_start(choices):
    environment = make("Pong", max_noop_starts=choices)
    for _ in range(3):
        environment.reset()
        assert ram(environment) == starts_by_hand("Pong", 1)[0][0]


def test_noops_are_in_no_return_and_no_length():
    # Who stands still scores in Asterix after 16 steps.
    environment = make("Asterix", max_noop_starts=30, max_episode_steps=5)
    number = {m: n for n, (m, _) in enumerate(starts_by_hand("Asterix", 30))}
    drawn = []
    for _ in range(10):
        environment.reset()
        drawn.append(number[ram(environment)])
        assert environment.episode_return == 0
        steps = 1
        while not (timestep := environment.step(NOOP)).last():
            steps += 1
        assert timestep.discount == 1
        assert steps == 5
        assert environment.game_over
    assert max(drawn) >= 16


def test_a_game_continues_without_noops_after_a_lost_life():
    environment = make("Breakout", terminal_on_life_loss=True, max_noop_starts=30)
    environment.reset()
    while not environment.step(FIRE).last():
        pass
    assert not environment.game_over
    before = ram(environment)
    assert environment.reset().first()
    assert ram(environment) == before


def test_noops_that_lose_a_life_start_the_game_anew():
    # Who stands still loses a life of Gravitar after 84 steps.
    by_hand = {m: n for n, (m, _) in enumerate(starts_by_hand("Gravitar", 84))}
    environment = make("Gravitar", terminal_on_life_loss=True, max_noop_starts=300)
    draws = np.random.default_rng(0)  # As the environment's own: one draw a game.
    numbers = [int(draws.integers(300)) for _ in range(6)]
    assert max(numbers) >= 84
    for number in numbers:
        environment.reset()
        assert by_hand[ram(environment)] == number % 84
        assert environment.lives == 6
        assert not environment.game_over
        environment.step(NOOP)
