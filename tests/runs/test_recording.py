"""A run that records can be killed and resumed anywhere, and spares others' sets."""

import dataclasses

import pytest

from acme_moe.cli import config_fields
from acme_moe.offline import reader
from acme_moe.runs import checkpoints
from acme_moe.runs import config as config_lib
from acme_moe.runs.online import OnlineRun

CONFIG = {
    "agent": "dqn",
    "game": "catch",
    "environment": {"name": "bsuite", "catch_image": True},
    "network": {"encoder": "mlp", "moe": "none", "expert_width": 4},
    "min_replay_size": 20,
    "max_agent_steps": 30,
    "evaluation_episodes": 0,
    "batch_size": 4,
    "replay": {"seeded": True},
    "loggers": "",
    "record": "set",
}


def resumed(workdir, *flags):
    """The spec of a command that resumes the run of a folder."""
    config = config_lib.load_config(str(workdir / "config.json"))
    spec = config_lib.from_config_dict(
        config_fields.set_fields(config, ["run", *flags])
    )
    config_lib.check_resumes(spec, workdir)
    return spec


def run(spec, workdir):
    with OnlineRun(spec, workdir) as run_:
        return run_.run()


def test_a_run_killed_in_its_first_checkpoint_starts_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def kill(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.Checkpoints, "save", kill)
        with pytest.raises(SystemExit):
            run(config_lib.from_config_dict(CONFIG), tmp_path / "run")
    assert reader.list_files("set") == [0]
    run(resumed(tmp_path / "run"), tmp_path / "run")
    assert reader.list_files("set") == [0]
    assert reader.read_columns("set", 0).action.size == 30


def test_a_run_resumed_elsewhere_leaves_the_set_there_alone(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    spec = config_lib.from_config_dict(CONFIG)
    for folder, seed in ((here, 0), (there, 1)):
        folder.mkdir()
        monkeypatch.chdir(folder)
        one = dataclasses.replace(spec, run=dataclasses.replace(spec.run, seed=seed))
        run(one, folder / "run")
    before = {file.name: file.read_bytes() for file in (there / "set").iterdir()}
    # What the run of `here` names `set` is another's.
    with pytest.raises(reader.DatasetError, match="there/set does not hold files 0"):
        run(resumed(here / "run"), here / "run")
    longer = "--config.max_agent_steps=40"
    # As the message advises: without, and then in its own.
    run(resumed(here / "run", longer, "--config.record="), here / "run")
    assert reader.list_files(str(here / "set")) == [0]
    own = (longer.replace("40", "50"), f"--config.record={here / 'set'}")
    assert run(resumed(here / "run", *own), here / "run")["agent_steps"] == 50
    assert reader.list_files(str(here / "set")) == [0, 1]
    after = {file.name: file.read_bytes() for file in (there / "set").iterdir()}
    assert after == before
