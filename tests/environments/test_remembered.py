"""Environments that remember go on where they were, and are made again in time."""

import numpy as np
import pytest
import tree

from acme_moe.environments import AtariConfig, parallel
from acme_moe.environments.making import EnvironmentMaker
from acme_moe.environments.minatar_suite import MinAtarConfig
from acme_moe.environments.parallel import make_vector_environment
from acme_moe.environments.remembered import (
    NotDeterministicError,
    RememberedEnvironments,
)
from acme_moe.specs import make_environment_spec

NUM, RENEWAL = 3, 40
MINATAR = EnvironmentMaker(
    game="Breakout", config=MinAtarConfig(), action_and_reward=True
)
# Episodes that end with a life, actions that stick, and no-ops at a game's start.
ATARI = EnvironmentMaker(
    game="Breakout",
    config=AtariConfig(
        terminal_on_life_loss=True, max_noop_starts=9, max_episode_steps=150
    ),
)


def make(maker, processes=1, made=None):
    def seed(index, times_made):
        if made is not None:
            made.append((index, times_made))
        return 1000 * index + times_made

    probe = maker(0)
    spec = make_environment_spec(probe)
    probe.close()
    return RememberedEnvironments(
        lambda seeds: make_vector_environment(maker, seeds, spec, processes),
        seed,
        NUM,
        RENEWAL,
    )


def play(environments, rounds, rng, start=False):
    """As `VectorEnvironmentLoop`; with `start`, a step is under way at the end."""
    seen = []
    for i in range(rounds + start):
        last = [
            i for i, t in enumerate(environments.timesteps) if t is None or t.last()
        ]
        if last:
            seen.extend(environments.reset(last))
        environments.start_step(rng.integers(3, size=NUM).astype(np.int32))
        if i < rounds:
            seen.extend(environments.finish_step())
    return seen


def same(one, other):
    assert len(one) == len(other)
    for x, y in zip(one, other, strict=True):
        assert x.step_type is y.step_type
        tree.map_structure(np.testing.assert_array_equal, x.observation, y.observation)
        assert (x.reward, x.discount) == (y.reward, y.discount)


def test_processes_play_again_side_by_side(monkeypatch):
    saved = make(MINATAR)
    play(saved, 5, np.random.default_rng(0))
    restored, calls = make(MINATAR, processes=2), []
    restored.reset(range(NUM))

    def noted(name):
        call = getattr(parallel._Worker, name)
        return lambda *args: calls.append(name) or call(*args)

    for name in ("send", "receive"):
        monkeypatch.setattr(parallel._Worker, name, noted(name))
    restored.restore(saved.state())
    assert calls == ["send", "send", "receive", "receive"]
    same(saved.timesteps, restored.timesteps)
    restored.close()


@pytest.mark.parametrize("maker", [MINATAR, ATARI], ids=["minatar", "atari"])
@pytest.mark.parametrize("under_way", [False, True])
def test_a_restored_one_goes_on_as_the_one_that_was_saved(maker, under_way):
    made = []
    saved, rng = make(maker, made=made), np.random.default_rng(0)
    for rounds in (1, 70, 60):
        play(saved, rounds, rng, under_way)
        restored = make(maker, processes=2 if rounds == 60 else 1)
        pending = restored.restore(saved.state())
        assert (pending is not None) == under_way
        if under_way:
            same(saved.finish_step(), restored.finish_step())
        same(saved.timesteps, restored.timesteps)
        again = [np.random.default_rng(1) for _ in range(2)]
        same(play(saved, 50, again[0]), play(restored, 50, again[1]))
        for i in range(NUM):
            assert saved.game_over(i) == restored.game_over(i)
        restored.close()
    # Each was made again, after 40 steps and at a game's end.
    assert {index for index, times in made if times > 0} == set(range(NUM))
    assert max(saved.state()["steps"]) < RENEWAL + 200
    saved.close()


def test_one_that_is_not_deterministic_is_named():
    saved = make(ATARI)
    play(saved, 20, np.random.default_rng(0))
    state = saved.state()
    actions = state["actions"].copy()
    actions[25:35] = 1 - actions[25:35] % 2
    for wrong in ({"actions": actions}, {"checksums": state["checksums"] ^ [0, 1, 0]}):
        restored = make(ATARI)
        with pytest.raises(NotDeterministicError, match=r"^environment 1: "):
            restored.restore({**state, **wrong})
        restored.close()
    saved.close()
