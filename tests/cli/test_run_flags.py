"""The flags of a run, and the command that resumes it."""

import sys

import pytest

from acme_moe.cli import run_flags
from acme_moe.runs.spec import OnlineRunSpec


@pytest.mark.parametrize(
    ("program", "other"),
    [
        ("python -m acme_moe.cli.demo", "python -m acme_moe.cli.train_offline"),
        ("acme-moe demo", "acme-moe train_offline"),
        ("python train/demo.py", "python train/train_offline.py"),
        ("python launchers/train.py", "python launchers/train_offline.py"),
        ("python my_train.py", "acme-moe train_offline"),
    ],
)
def test_a_run_of_another_kind_goes_to_the_command_that_trains_it(
    program, other, tmp_path, capsys
):
    given = run_flags.RunFlags(
        config="cql_atari", workdir=tmp_path, fields=["x"], program=program.split()
    )
    with pytest.raises(SystemExit):
        given.load_spec(OnlineRunSpec)
    said = capsys.readouterr().err
    assert said == f"error: agent: 'cql' is not accepted here; {other} trains it\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["launchers/train.py"], ".venv/bin/python launchers/train.py"),
        (
            ["-u", "-m", "acme_moe.cli.train"],
            ".venv/bin/python -u -m acme_moe.cli.train",
        ),
        (["/opt/bin/acme-moe", "train"], "/opt/bin/acme-moe train"),
    ],
)
def test_a_run_is_resumed_as_it_was_started(words, expected, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    python = str(tmp_path / ".venv/bin/python")
    arguments = ["--config=dqn_atari", "--workdir=runs/a b"]
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(sys, "orig_argv", [python, *words, *arguments])
    given = run_flags.RunFlags(
        config=None,
        workdir="runs/a b",
        fields=(),
        program=run_flags._program(num_arguments=len(arguments)),
    )
    assert given.resume_command == f"{expected} '--workdir=runs/a b'"
