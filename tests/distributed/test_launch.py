"""How a program of many processes ends, without any process."""

import dataclasses
from unittest import mock

import numpy as np
import pytest

from acme_moe import files
from acme_moe.distributed import config, launch
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.status import RunStatus, write_status
from acme_moe.processes import InterruptedRunError
from acme_moe.runs.checkpoint import DamagedCheckpointError, OtherStateError
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.state import RunState
from tests.runs import tiny


@pytest.fixture
def launched(monkeypatch):
    """Makes a launched program have this outcome; returns how often it was ended."""

    def make(outcome):
        ended = []

        class Launched:
            signum = None

            def __init__(self, *_):
                pass

            def watch(self, interrupts):
                return outcome

            def end(self, spared):
                ended.append(spared)

        monkeypatch.setattr(launch, "_Launched", Launched)
        monkeypatch.setattr(launch.lp, "launch", lambda *_, **__: None)
        return ended

    return make


def test_a_run_is_interrupted_whichever_process_got_the_signal(tmp_path, launched):
    ended = launched("interrupted")
    with pytest.raises(InterruptedRunError, match="SIGTERM"):
        launch.run_distributed(tiny.spec(), tmp_path, DistributedConfig())
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("running", "failed: no luck"),
        ("failed: why", "failed: why"),
        ("finished", "finished"),
    ],
)
def test_the_summary_says_that_a_run_failed_without_coordinator(
    tmp_path, launched, before, after
):
    launched("failed: no luck")
    summary = {"status": before, "agent_steps": 7}
    files.write_json(tmp_path / "summary.json", summary)
    with pytest.raises(launch.FailedRunError, match="no luck"):
        launch.run_distributed(tiny.spec(), tmp_path, DistributedConfig())
    found = files.read_json_if_whole(tmp_path / "summary.json")
    assert found == {"status": after, "agent_steps": 7}


@pytest.fixture
def over(tmp_path):
    """Makes the last checkpoint of a run that is at its end; returns the run."""
    spec = tiny.spec()
    state = RunState(agent_steps=spec.length, evaluated_at=spec.length)
    Checkpoints(tmp_path / "checkpoints", kept=1).save(
        spec.length, {"w": np.zeros(1)}, dataclasses.asdict(state), replay=()
    )
    return spec


def test_a_finished_run_is_left_as_it_is(tmp_path, launched, over):
    launched("failed: no luck")
    summary = {"status": "finished", "learner_step_ms": 3.5}
    files.write_json(tmp_path / "summary.json", summary)
    names = {path.name for path in tmp_path.iterdir()}
    assert launch.run_distributed(over, tmp_path, DistributedConfig()) == summary
    assert files.read_json(tmp_path / "summary.json") == summary
    # Neither `distributed.json` nor logs.
    new = {path.name for path in tmp_path.iterdir()} - names
    assert new == {".lock"}


@pytest.mark.parametrize("status", ["running", "interrupted", "failed: why"])
def test_a_run_that_is_over_still_writes_how_it_ended(tmp_path, launched, over, status):
    launched("interrupted")
    files.write_json(tmp_path / "summary.json", {"status": status})
    with pytest.raises(InterruptedRunError):
        launch.run_distributed(over, tmp_path, DistributedConfig())


def test_a_run_that_had_no_room_to_write_its_end_is_asked_for_it(tmp_path):
    launched = object.__new__(launch._Launched)
    launched._workdir, launched._token, launched.signum = tmp_path, "launch", None
    launched._broken, launched._client = ["a node is gone"], mock.Mock()
    interrupts = mock.Mock()
    launched._client.status.return_value = {"phase": "ended", "outcome": "failed: full"}
    assert launched.watch(interrupts) == "failed: full"
    launched._client.status.return_value = {"phase": "running", "outcome": "finished"}
    assert launched.watch(interrupts) == "failed: a node is gone"
    launched._client.status.side_effect = RuntimeError("nobody answers")
    assert launched.watch(interrupts) == "failed: a node is gone"


def test_a_run_that_was_over_before_it_answered_shows_its_end(tmp_path, capsys):
    launched = object.__new__(launch._Launched)
    launched._workdir, launched._token, launched.signum = tmp_path, "launch", None
    launched._spec, launched._progress = tiny.spec(), None
    state = {"agent_steps": 300, "learner_steps": 50, "evaluation_return_mean": 2.0}
    write_status(tmp_path, RunStatus("launch", "ended", "finished", state, {}))
    assert launched.watch(mock.Mock()) == "finished"
    line = capsys.readouterr().err
    assert "300/300 agent steps" in line
    assert "evaluation 2" in line


def test_a_run_of_another_number_of_replay_servers_keeps_its_flags(
    tmp_path, monkeypatch
):
    config.write(DistributedConfig(), tmp_path)
    saved = mock.Mock(replay_paths=[tmp_path], path=tmp_path, counts={})
    monkeypatch.setattr(launch.Checkpoints, "latest", lambda *_, **__: saved)
    with pytest.raises(OtherStateError, match="num_replay_servers: 2 is not accepted"):
        launch.run_distributed(
            tiny.spec(), tmp_path, DistributedConfig(num_replay_servers=2)
        )
    assert config.read(tmp_path) == DistributedConfig()


def test_a_run_without_a_whole_checkpoint_is_not_launched(tmp_path):
    (tmp_path / "checkpoints" / "000000000100").mkdir(parents=True)
    with pytest.raises(DamagedCheckpointError, match="no checkpoint of this run is"):
        launch.run_distributed(tiny.spec(), tmp_path, DistributedConfig())


def test_what_ran_before_a_program_outlives_it(monkeypatch):
    before, nodes = mock.Mock(), mock.Mock()
    monkeypatch.setattr(launch, "_descendants", lambda: {before, nodes})
    # Nothing of a program under way but the end of its processes.
    launched = object.__new__(launch._Launched)
    launched._manager, launched._broken = mock.Mock(), ["a node is gone"]
    launched.end(spared={before})
    assert nodes.kill.called
    assert not before.kill.called
