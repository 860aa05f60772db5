"""Environments in processes of their own take the steps of those in this one."""

import dataclasses
import os
import signal

import numpy as np
import pytest

from acme_moe.environments import AtariConfig, EnvironmentConfig
from acme_moe.environments.making import EnvironmentMaker
from acme_moe.environments.parallel import (
    ParallelEnvironments,
    make_vector_environment,
)
from acme_moe.environments.vector import (
    EnvironmentFailedError,
    SequentialEnvironments,
)
from acme_moe.processes import STOP_SIGNALS
from acme_moe.specs import make_environment_spec
from tests import corridor

# Lost lives, the time limit, no-ops and sticky actions within a few dozen steps.
BREAKOUT = EnvironmentMaker(
    game="Breakout",
    config=AtariConfig(
        terminal_on_life_loss=True, max_episode_steps=70, max_noop_starts=30
    ),
    action_and_reward=True,
)
CORRIDOR = EnvironmentMaker(
    game="corridor",
    config=corridor.CorridorConfig(name="tests.corridor:corridor"),
)


@dataclasses.dataclass(frozen=True)
class FaultyConfig(EnvironmentConfig):
    """Settings: what the environments do wrong at their second step."""

    fault: str = "raises"


class Faulty(corridor.Corridor):
    """The third environment, that of seed 2, has a fault."""

    def __init__(self, seed, fault):
        super().__init__(5, seed)
        self._fault = fault if seed == 2 else ""

    def step(self, action):
        timestep = super().step(action)
        if self._fault == "raises" and self._steps == 2:
            raise ZeroDivisionError("a fault")
        if self._fault == "dies" and self._steps == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return timestep


def make_faulty(game, seed, config: FaultyConfig):
    del game
    return Faulty(seed, config.fault)


def make(maker, num, processes):
    spec = make_environment_spec(maker(0))
    return make_vector_environment(maker, range(num), spec, processes)


def play(environments, steps, seed=0):
    """The steps of all environments in their order, as bytes, and what ended."""
    rng = np.random.default_rng(seed)
    log, ended = [], []

    def keep(timesteps):
        log.extend([t.step_type, *map(as_bytes, t[1:])] for t in timesteps)

    timesteps = environments.reset(range(len(environments)))
    keep(timesteps)
    for _ in range(steps):
        actions = rng.integers(2, size=len(environments), dtype=np.int32)
        timesteps = environments.step(actions)
        keep(timesteps)
        last = [i for i, t in enumerate(timesteps) if t.last()]
        ended += [(i, environments.game_over(i)) for i in last]
        if last:
            keep(environments.reset(last))
    return log, ended


def as_bytes(value):
    if isinstance(value, tuple):
        return [as_bytes(x) for x in value]
    return None if value is None else np.asarray(value, order="C").tobytes()


def test_the_steps_are_the_same_in_any_number_of_processes():
    expected = None
    for count in (1, 2):
        environments = make(BREAKOUT, 3, count)
        try:
            played = play(environments, 200)
        finally:
            environments.close()
        expected = expected or played
        assert played == expected
    ends = {over for _, over in played[1]}
    assert ends == {True, False}  # Games, and lives only.


def test_observations_are_the_callers_to_keep():
    environments = make(BREAKOUT, 2, 2)
    first = environments.reset([0, 1])[1].observation.observation
    kept = first.copy()
    for _ in range(5):
        environments.step(np.ones(2, np.int32))
    np.testing.assert_array_equal(first, kept)
    environments.close()


def test_a_step_can_be_started_and_finished_later():
    environments = make(CORRIDOR, 3, 3)
    environments.reset([2, 0, 1])
    environments.start_step(np.ones(3, np.int32))
    assert len(environments.finish_step()) == len(environments) == 3
    environments.close()


def faulty(fault):
    config = FaultyConfig(name=f"{__name__}:make_faulty", fault=fault)
    return EnvironmentMaker(game="faulty", config=config)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raises", r"environment 2: ZeroDivisionError: a fault(.|\n)*in step"),
        ("dies", r"process of environments \[2, 3\] ended: killed by SIGKILL"),
    ],
)
def test_a_fault_names_its_environment(fault, message):
    environments = make(faulty(fault), 4, 2)
    environments.reset(range(4))
    environments.step(np.zeros(4, np.int32))
    with pytest.raises(EnvironmentFailedError, match=message):
        environments.step(np.zeros(4, np.int32))
    environments.close()


def test_processes_end_with_their_parent_and_when_closed():
    environments = make(CORRIDOR, 2, 2)
    processes = [worker._process for worker in environments._workers]
    assert [process.poll() for process in processes] == [None, None]
    environments.close()
    assert [process.poll() for process in processes] == [0, 0]


@pytest.mark.parametrize("signum", STOP_SIGNALS)
def test_a_signal_to_all_processes_is_for_their_parent(signum):
    environments = make(CORRIDOR, 2, 2)
    environments.reset([0, 1])
    processes = [worker._process for worker in environments._workers]
    for process in processes:
        process.send_signal(signum)
    environments.step(np.ones(2, np.int32))
    environments.close()
    assert [process.poll() for process in processes] == [0, 0]


@pytest.mark.parametrize(
    ("maker", "num", "processes", "kind"),
    [
        (BREAKOUT, 2, 1, SequentialEnvironments),
        (BREAKOUT, 1, 0, SequentialEnvironments),
        (BREAKOUT, 2, 0, ParallelEnvironments),
        (CORRIDOR, 2, 0, SequentialEnvironments),
        (CORRIDOR, 2, 2, ParallelEnvironments),
    ],
)
def test_where_they_step(maker, num, processes, kind, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    environments = make(maker, num, processes)
    assert type(environments) is kind
    environments.close()
