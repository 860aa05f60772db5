"""A disk without room: what is left out, what waits, and what ends the run."""

import dataclasses
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from acme_moe import files
from acme_moe.cli import outcome
from acme_moe.cli.run_flags import RunFlags
from acme_moe.disk import DiskError
from acme_moe.offline import writer
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.online import OnlineRun
from acme_moe.runs.state import RunState
from tests.runs import tiny

STATE = {"w": np.zeros((100, 100), np.float32)}


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_checkpoint_without_room_leaves_those_before_it(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "checkpoints", kept=2)
    first = checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    saved = np.savez

    def half(path, **arrays):
        saved(path, **arrays)
        full()

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(
        DiskError, match=r"No space left on device; .* 40\.\d kB needed"
    ):
        checkpoints.save(20, STATE, {"agent_steps": 20}, [])
    # And nothing is left behind that takes up the room there still is.
    assert list((tmp_path / "checkpoints").iterdir()) == [first.path]
    assert checkpoints.latest().counts == {"agent_steps": 10}


def test_scores_wait_for_room(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path, tiny.spec())
    append = files.append_text
    result = EpisodeResult(1.0, 100)

    def no_room(path, _):
        raise DiskError(f"{path} could not be written")

    folder.add_score(RunState(agent_steps=1), "training", 1, result)
    monkeypatch.setattr(files, "append_text", no_room)
    folder.add_score(RunState(agent_steps=2), "training", 2, result)
    with pytest.raises(DiskError):
        folder.write_scores()
    monkeypatch.setattr(files, "append_text", append)
    folder.add_score(RunState(agent_steps=3), "training", 3, result)
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["agent_steps", "1", "2", "3"]


def test_scores_may_find_that_there_is_none_as_late_as_this(tmp_path, monkeypatch):
    """As on NFS, which takes rows and says later that a quota is used up."""
    folder = RunFolder(tmp_path, tiny.spec())
    folder.add_score(RunState(), "training", 1, EpisodeResult(1.0, 100))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"scores\.csv could not be written: No space"):
        folder.sync_scores()


def test_logs_go_without(tmp_path, caplog):
    (tmp_path / "learner.csv").symlink_to("/dev/full")
    folder = RunFolder(tmp_path, tiny.spec())
    log = folder.make_full_logger("learner")
    with caplog.at_level("WARNING"):
        log.write({"agent_steps": 1, "loss": 2.0})
        folder.close()
    assert "No space left on device" in caplog.text


@pytest.fixture
def spec():
    """A run that saves after each step."""
    settings = {
        "max_agent_steps": 120,
        "evaluation_episodes": 0,
        "checkpoint_every_minutes": 1e-9,
        "checkpoint_replay": False,
    }
    return tiny.spec(run=settings, agent={"min_replay_size": 110})


def test_the_run_goes_on_and_saves_when_there_is_room(tmp_path, monkeypatch, spec):
    save, calls = Checkpoints.save, []

    def sometimes(self, position, *rest):
        calls.append(position)
        if 20 < position < 120:
            raise DiskError("no room")
        return save(self, position, *rest)

    monkeypatch.setattr(Checkpoints, "save", sometimes)
    with OnlineRun(spec, tmp_path) as run:
        summary = run.run()
    assert summary["status"] == "finished"
    assert len(calls) > 100
    last = Checkpoints(tmp_path / "checkpoints", kept=1).latest()
    assert last.counts["agent_steps"] == 120


def test_only_its_end_needs_the_room(tmp_path, monkeypatch, capsys, spec):
    save = Checkpoints.save

    def early(self, position, *rest):
        if position > 20:
            raise DiskError("checkpoints could not be written")
        return save(self, position, *rest)

    monkeypatch.setattr(Checkpoints, "save", early)
    given = RunFlags(config=None, workdir=tmp_path, fields=(), program=("acme-moe",))
    assert outcome.train(OnlineRun, spec, given) == 1
    said = capsys.readouterr().err
    assert "error: checkpoints could not be written. To resume once" in said
    assert f"acme-moe --workdir={tmp_path}" in said
    status = json.loads((tmp_path / "summary.json").read_text())["status"]
    assert status == "failed: checkpoints could not be written"
    monkeypatch.undo()
    run = dataclasses.replace(spec.run, checkpoint_every_minutes=60.0)
    with OnlineRun(dataclasses.replace(spec, run=run), tmp_path) as run:
        assert run.position == 20
        assert run.run()["status"] == "finished"


def test_a_run_is_saved_where_its_recording_has_no_room(tmp_path, monkeypatch, spec):
    run = dataclasses.replace(
        spec.run, record=str(tmp_path / "set"), checkpoint_every_minutes=60.0
    )
    monkeypatch.setattr(writer, "_sync", full)
    with (
        OnlineRun(dataclasses.replace(spec, run=run), tmp_path / "run") as recording,
        pytest.raises(DiskError, match="set could not be written: No space left"),
    ):
        recording.run()
    last = Checkpoints(tmp_path / "run" / "checkpoints", kept=1).latest()
    assert last.counts["agent_steps"] == 120
    assert last.counts["recorded_files"] == 0


def test_a_folder_that_cannot_be_made(capsys, spec):
    given = RunFlags(
        config=None, workdir=Path("/proc/x"), fields=(), program=("acme-moe",)
    )
    assert outcome.train(OnlineRun, spec, given) == 1
    assert capsys.readouterr().err == (
        "\nerror: /proc/x could not be written: No such file or directory\n"
    )
