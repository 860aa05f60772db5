"""How often a node is started again, without any process, and one without a log."""

import functools
import io
import os
import subprocess
import sys
import types
from pathlib import Path

import cloudpickle
import pytest

from acme_moe.distributed import process
from acme_moe.distributed import status as status_lib
from acme_moe.distributed.status import RunStatus

A_LONG_LIFE, A_SHORT_ONE = 3_600.0, 1.0


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """Supervises a node that dies after each of these lives, in seconds.

    Returns how many it had, and the messages with which it was given up.
    """

    def supervise(*lives, name="actor_0", live=lambda life: None):
        now, lived, given_up = 0.0, [], []

        def run_once(settings, payload, launcher):
            nonlocal now
            live(len(lived))
            lived.append(lives[len(lived)])
            now += lived[-1]
            return 1

        clock = types.SimpleNamespace(monotonic=lambda: now)
        monkeypatch.setattr(process, "time", clock)
        monkeypatch.setattr(process, "_run_once", run_once)
        monkeypatch.setattr(process, "_ignore_stops", lambda: None)
        settings = process.Supervision(
            name=name,
            workdir=tmp_path,
            token="token",
            environment={},
            quick_failures=3,
            quick_seconds=60.0,
            launcher=0,
        )
        settings.log.parent.mkdir(exist_ok=True)
        settings.log.write_text("RuntimeError: no luck\n")
        process.supervise(settings, b"", given_up.append, watch_launcher=False)
        return len(lived), given_up

    return supervise


def test_a_node_is_given_up_after_three_quick_deaths_in_a_row(starts, capsys):
    times, given_up = starts(A_SHORT_ONE, A_SHORT_ONE, A_SHORT_ONE)
    printed = capsys.readouterr().out
    assert printed.count("exit status 1 after 1 s, started again; the last lines") == 2
    assert printed.count("  RuntimeError: no luck\n") == 3
    assert times == 3
    assert given_up == [
        "actor_0: exit status 1, 3 times in a row: RuntimeError: no luck"
    ]


def test_a_death_that_cannot_be_told_is_one_of_them(starts, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    times, given_up = starts(*[A_SHORT_ONE] * 3)
    assert (times, len(given_up)) == (3, 1)


def test_a_node_does_its_work_though_its_log_is_on_a_full_disk(tmp_path):
    done = tmp_path / "done"
    command = ("-m", process.__name__, "actor_0", tmp_path, "token", str(os.getpid()))
    with open("/dev/full", "w") as full:
        node = subprocess.run(
            [sys.executable, *command],
            input=cloudpickle.dumps(functools.partial(Path.touch, done)),
            stdout=full,
            stderr=full,
            check=False,
        )
    assert node.returncode == 0
    assert done.exists()


@pytest.fixture
def acts(tmp_path):
    """The run takes so many agent steps and updates in each life of a node."""

    def live(life):
        state = {"agent_steps": 100 * life, "learner_steps": 25 * life}
        fields = ("token", "running", "finished", state, {})
        status_lib.write_status(tmp_path, RunStatus(*fields))

    return live


def test_a_death_after_a_long_life_is_none_of_them(starts, acts):
    lives = [A_SHORT_ONE, A_LONG_LIFE, *[A_SHORT_ONE] * 2, A_LONG_LIFE]
    times, _ = starts(*lives, *[A_SHORT_ONE] * 3, live=acts)
    assert times == len(lives) + 3


def test_a_node_that_dies_at_the_same_point_of_the_run_is_given_up(starts):
    times, given_up = starts(*[A_LONG_LIFE] * 3)
    assert (times, len(given_up)) == (3, 1)


def test_an_evaluator_that_evaluates_nothing_is_given_up(starts, acts):
    times, given_up = starts(*[A_LONG_LIFE] * 3, name="evaluator", live=acts)
    assert (times, len(given_up)) == (3, 1)


def test_a_learner_comes_as_far_as_its_checkpoints(starts, acts, tmp_path):
    def saves(life):
        acts(life)
        name = f"{life:012d}" if life < 3 else f"{life:012d}.unfinished"
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / "2024-best").mkdir(exist_ok=True)

    times, given_up = starts(*[A_LONG_LIFE] * 6, name="learner", live=saves)
    assert (times, len(given_up)) == (6, 1)
