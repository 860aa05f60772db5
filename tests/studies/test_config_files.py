"""Finished runs whose `.py` config says something else now."""

import dataclasses

import pytest

from acme_moe.runs.config import config_json, from_config_dict, load_config
from acme_moe.studies.derived import check_config_files
from acme_moe.studies.state import read_state
from tests.studies.runs import planned, write_run

FILE = """
from acme_moe.runs.config import load_config

def get_config():
    return load_config("dqn_atari", {settings})
"""


def test_a_config_that_was_changed_since_its_runs_finished_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    run = dataclasses.replace(planned(), config=str(path))

    def check(**settings):
        path.write_text(FILE.format(settings=settings))
        check_config_files([run], {run.name: read_state(run, tmp_path)}, tmp_path)

    check()
    folder = tmp_path / run.name
    steps = 50_000_000
    write_run(folder, steps=steps, length=steps)
    config = load_config("dqn_atari", {"loggers": "csv", **run.settings})
    (folder / "config.json").write_text(config_json(from_config_dict(config)))
    check()
    check(log_every_seconds=5.0)  # Has no effect on the training.
    changed = r"^workdir: arm/Pong/0 has finished .*mine.py \(n_step: 1 there, 3 now\);"
    with pytest.raises(ValueError, match=changed):
        check(n_step=3)
    write_run(folder, status="interrupted", steps=steps, length=steps)
    check(n_step=3)  # Refused by the run itself.
