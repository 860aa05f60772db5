"""Games: what the actor is told, and what becomes of the rewards."""

import dm_env
import pytest

from acme_moe.runs.episodes import (
    EpisodeResult,
    VectorEnvironmentLoop,
    evaluate,
)


class Environment:
    """Two steps an episode, of which the first gives 0.1 and the second 0.2."""

    def reset(self):
        self._steps = [dm_env.transition(0.1, 1), dm_env.termination(0.2, 2)]
        return dm_env.restart(0)

    def step(self, action):
        assert action == len(self._steps) - 2
        return self._steps.pop(0)


class Actor:
    """Remembers what it was told."""

    def __init__(self):
        self.told = []

    def update(self, wait=False):
        self.told.append(("update", wait))

    def observe_first(self, timestep):
        self.told.append(("first", timestep.observation))

    def select_action(self, observation):
        self.told.append(("select", observation))
        return -observation

    def observe(self, action, next_timestep):
        self.told.append(("observe", action, next_timestep.observation))


EPISODE = [
    ("first", 0),
    "checked",
    ("select", 0),
    ("observe", 0, 1),
    "checked",
    ("select", 1),
    ("observe", -1, 2),
    "checked",
]


def test_parameters_are_taken_once_and_each_step_is_checked():
    actor = Actor()
    results = evaluate(
        Environment(),
        actor,
        2,
        check=lambda: actor.told.append("checked"),
        on_start=actor.told.append,
    )
    assert actor.told == [("update", True), 1, *EPISODE, 2, *EPISODE]
    assert results == [EpisodeResult(pytest.approx(0.3), 2)] * 2


def test_a_check_breaks_off():
    checks = iter([None, None, KeyboardInterrupt])

    def check():
        if error := next(checks):
            raise error

    actor = Actor()
    with pytest.raises(KeyboardInterrupt):
        evaluate(Environment(), actor, 1, check=check)
    assert actor.told[-1] == ("observe", -1, 2)


class Lives:
    """Two environments, whose second step loses a life and whose third the game."""

    def __init__(self):
        self._steps = [0, 0]

    def __len__(self):
        return 2

    def reset(self, which):
        return [dm_env.restart(self._steps[i]) for i in which]

    def start_step(self, actions):
        # The second is one step ahead.
        self._steps = [self._steps[0] + 1, self._steps[0] + 2]

    def finish_step(self):
        self.latest = [
            dm_env.transition(n, n) if n % 3 == 1 else dm_env.termination(n, n)
            for n in self._steps
        ]
        return self.latest

    def game_over(self, i):
        return self._steps[i] % 3 == 0


class ActorOfTwo:
    def select_actions(self, observations):
        return [0 for _ in observations]

    def observe_first(self, i, timestep):
        pass

    def observe(self, i, action, timestep):
        pass


def test_a_lost_life_ends_no_game_and_a_game_goes_on_when_a_run_does():
    environments = Lives()
    loop = VectorEnvironmentLoop(environments, ActorOfTwo())
    assert loop.step() == []
    assert loop.step() == [EpisodeResult(2 + 3, 2)]
    resumed = VectorEnvironmentLoop(environments, ActorOfTwo())
    resumed.restore(loop.state(), environments.latest, None)
    assert resumed.step() == [EpisodeResult(1 + 2 + 3, 3)]
    assert resumed.step() == []
    assert resumed.step() == [EpisodeResult(4 + 5 + 6, 3)]
