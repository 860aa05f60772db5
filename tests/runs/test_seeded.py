"""Two runs of one seed are the same, bit for bit, if their replay is seeded."""

import dataclasses
import functools
import itertools
import json
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from acme_moe.distributed import config as distributed
from acme_moe.environments import remembered
from acme_moe.processes import InterruptedRunError
from acme_moe.runs import checkpoint, online
from acme_moe.runs import config as config_lib
from tests.runs import seeded


def test_two_runs_of_one_seed_are_the_same(tmp_path, uninterrupted):
    """For other agents, the test of stopped runs below shows it."""
    one, same, other = uninterrupted("dqn"), tmp_path / "same", tmp_path / "other"
    for path, changes in [(same, {}), (other, {"seed": 4})]:
        with seeded.make(path, "dqn", **changes) as run:
            run.run()
    assert seeded.scores(one) == seeded.scores(same)
    assert seeded.state(one) == seeded.state(same)
    assert seeded.state(one) != seeded.state(other)


@pytest.mark.parametrize("agent", seeded.CONFIGS)
def test_its_replay_is_in_this_process(uninterrupted, agent):
    one = uninterrupted(agent)
    assert len(seeded.scores(one)) > 5
    summary = seeded.summary(one)
    assert summary["replay_seeded"] is True
    if agent != "r2d2":
        assert summary["replay_bytes_per_transition"] > 0
    assert not (seeded.newest(one) / "replay" / "chunks.tfrecord").exists()


def test_such_a_run_imports_neither_reverb_nor_tensorflow(tmp_path):
    code = """
        import pathlib
        import sys
        from tests.runs import seeded
        folder = pathlib.Path(sys.argv[1])
        with seeded.make(folder, "rainbow", max_agent_steps=60) as run:
            run.run()
        heavy = {"reverb", "tensorflow"}
        print(*(x for x in sys.modules if x.split(".")[0] in heavy))
        """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not result.stdout.split()


def test_a_distributed_run_cannot_be_seeded():
    spec = config_lib.from_config_dict(seeded.CONFIGS["dqn"])
    with pytest.raises(ValueError, match=r"^replay\.seeded: True is not accepted"):
        distributed.check(distributed.DistributedConfig(), spec)


def test_a_run_is_not_resumed_with_the_other_kind_of_replay(tmp_path):
    spec = config_lib.from_config_dict(seeded.CONFIGS["dqn"])
    (tmp_path / "config.json").write_text(config_lib.config_json(spec))
    config_lib.check_resumes(spec, tmp_path)
    run = dataclasses.replace(
        spec.run, replay=dataclasses.replace(spec.run.replay, seeded=False)
    )
    with pytest.raises(ValueError, match=r"replay\.seeded: True there, False now"):
        config_lib.check_resumes(dataclasses.replace(spec, run=run), tmp_path)


def stop_at(monkeypatch, run, look):
    """Tells a run to stop when it looks for an interrupt for the `look`th time.

    It looks before each round, and at each step of an evaluation.
    """
    check, looks = run._interrupts.check, iter(range(1, look))

    def check_or_stop():
        if next(looks, None) is None:
            raise InterruptedRunError(signal.SIGINT)
        check()

    monkeypatch.setattr(run._interrupts, "check", check_or_stop)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The folder of a run of an agent that came to its end in one go."""

    @functools.cache
    def folder(agent):
        path = tmp_path_factory.mktemp(agent)
        with seeded.make(path, agent) as run:
            run.run()
        return path

    return folder


def test_a_run_that_a_signal_stopped_goes_on_in_its_process(
    tmp_path, monkeypatch, uninterrupted
):
    with seeded.make(tmp_path, "dqn") as run:
        check, looks = run._interrupts.check, itertools.count(1)

        def check_after_signal():
            if next(looks) == 40:
                signal.raise_signal(signal.SIGINT)
            check()

        monkeypatch.setattr(run._interrupts, "check", check_after_signal)
        with pytest.raises(InterruptedRunError):
            run.run()
        run.run()
    whole = uninterrupted("dqn")
    assert seeded.scores(tmp_path) == seeded.scores(whole)
    assert seeded.state(tmp_path) == seeded.state(whole)


# With two games at once, the 36th look is at step 70, within an evaluation. Stops are
# before or after learning starts, while the next step is under way or not, and within
# games.
@pytest.mark.parametrize(
    ("agent", "stops"),
    [
        ("dqn", [15]),
        ("dqn", [26, 14, 10]),
        ("dqn", [40]),
        ("rainbow", [66]),
        ("r2d2", [64]),
    ],
)
def test_a_stopped_run_goes_on_exactly(
    tmp_path, monkeypatch, uninterrupted, agent, stops
):
    for i, look in enumerate(stops):
        # Processes change nothing.
        with seeded.make(tmp_path, agent, environment_processes=1 + i % 2) as run:
            stop_at(monkeypatch, run, look)
            with pytest.raises(InterruptedRunError):
                run.run()
        assert seeded.summary(tmp_path)["status"] == "interrupted"
    with seeded.make(tmp_path, agent) as run:
        run.run()
    whole = uninterrupted(agent)
    assert seeded.scores(tmp_path) == seeded.scores(whole)
    assert seeded.state(tmp_path) == seeded.state(whole)


def test_a_killed_run_goes_on_exactly_from_its_last_checkpoint(
    tmp_path, monkeypatch, uninterrupted
):
    with seeded.make(tmp_path, "dqn") as run:
        step, save = run._step, run._save

        def step_or_die(progress):
            if run.position == 76:
                save()
            if run.position == 120:
                raise KeyboardInterrupt
            step(progress)

        monkeypatch.setattr(run, "_step", step_or_die)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    assert seeded.newest(tmp_path).name == "000000000076"
    with seeded.make(tmp_path, "dqn") as run:
        run.run()
    assert seeded.scores(tmp_path) == seeded.scores(uninterrupted("dqn"))
    assert seeded.state(tmp_path) == seeded.state(uninterrupted("dqn"))


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(
        online.logging, "warning", lambda *x: found.append(x[0] % x[1:])
    )
    return found


def test_a_run_stopped_before_its_first_step_has_lost_nothing(
    tmp_path, monkeypatch, warnings
):
    with seeded.make(tmp_path, "dqn") as run:
        stop_at(monkeypatch, run, 1)
        with pytest.raises(InterruptedRunError):
            run.run()
    assert seeded.newest(tmp_path).name == "000000000000"
    with seeded.make(tmp_path, "dqn"):
        assert not warnings


def test_what_cannot_go_on_exactly_says_so(tmp_path, monkeypatch, warnings):
    with seeded.make(tmp_path, "dqn") as run:
        stop_at(monkeypatch, run, 15)
        with pytest.raises(InterruptedRunError):
            run.run()
    with seeded.make(tmp_path, "dqn", num_environments=1):
        pass
    assert ["num_environments was another" in x for x in warnings] == [True]
    with np.load(seeded.newest(tmp_path) / "acting.npz") as file:
        arrays = dict(file)
    other = dict(arrays)
    other["environments/checksums"] = arrays["environments/checksums"] + 1
    state = checkpoint.SavedActing
    monkeypatch.setattr(
        checkpoint.Checkpoint,
        "load_acting",
        lambda self: state(other, json.loads((self.path / "acting.json").read_text())),
    )
    with pytest.raises(remembered.NotDeterministicError, match=r"^environment 0: "):
        seeded.make(tmp_path, "dqn")
    # What the message recommends.
    with seeded.make(tmp_path, "dqn", checkpoint_replay=False) as run:
        run.run()
    assert "checkpoint_replay is False" in warnings[-1]
    assert seeded.summary(tmp_path)["status"] == "finished"
