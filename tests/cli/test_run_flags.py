"""Command lines of runs: what they set, and what is said of those that are wrong."""

import sys

import pytest

from acme_moe.cli import run_flags
from acme_moe.runs.config import from_config_dict, load_config


def fields(*arguments, config="dqn_atari"):
    flat = run_flags.set_fields(load_config(config), ["train", *arguments])
    return from_config_dict(flat)


def test_fields_are_set_by_their_paths():
    spec = fields(
        *("--config.game=Asterix", "--config.replay_ratio=1", "--config.seed", "4"),
        *("--config.network.moe=none", "--config.network.noisy"),
        *("--config.final_evaluation_episodes=7", "--config.record=2024"),
        *("--config.network.mlp_widths=(64,32)", "--config.checkpoint_replay=false"),
    )
    assert (spec.run.game, spec.run.seed, spec.run.record) == ("Asterix", 4, "2024")
    assert isinstance(spec.agent.replay_ratio, float)
    assert (spec.agent.network.moe, spec.agent.network.noisy) == ("none", True)
    assert spec.run.final_evaluation_episodes == 7
    assert spec.agent.network.mlp_widths == (64, 32)
    assert not spec.run.checkpoint_replay


def test_a_field_is_unset_or_switched_off():
    spec = fields(
        "--config.max_abs_reward=None",
        "--noconfig.network.dueling",
        config="r2d2_atari",
    )
    assert spec.agent.max_abs_reward is None
    assert not spec.agent.network.dueling


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--config.replay_ratio=abc", r"^replay_ratio: 'abc' is not accepted; float$"),
        ("--config.batch_size=1.5", r"^batch_size: 1\.5 is not accepted; int$"),
        ("--config.network.noisy=maybe", r"^network\.noisy: 'maybe' .*; bool$"),
        (
            "--config.final_evaluation_episodes=few",
            r"^final_evaluation_episodes: 'few' is not accepted; int \| None$",
        ),
        ("--config.replay_ratio=0", r"^replay_ratio: 0.0 is not accepted; more than 0"),
        ("--config.gaem=Pong", r"^gaem: is not a field; did you mean game.*accepted"),
        ("--config.netwrok.moe=soft", r"^netwrok: .*did you mean network"),
        ("--config.network.moes=soft", r"^network\.moes: is not a field; .*mean moe"),
        ("--config.game.name=Pong", r"^game\.name: .*no field below it"),
        ("--noconfig.game.name", r"^game\.name: .*no field below it"),
        ("--no_such_flag=3", r"^--no_such_flag: is not a flag; "),
        ("Pong", r"^'Pong' is not a flag"),
    ],
)
def test_what_is_wrong_is_named(argument, message):
    with pytest.raises(ValueError, match=message):
        fields(argument)


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
