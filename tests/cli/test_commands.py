"""The commands as programs: how they are started, and what they end with."""

import json
import os
import re
import subprocess
import sys

import pytest

from acme_moe.cli.main import COMMANDS
from tests.programs import ROOT, run_python

HEAVY = {"acme", "haiku", "jax", "numpy", "pandas", "reverb", "tensorflow"}


def start(*words, cwd=ROOT):
    """Runs a command; `words` come after the interpreter."""
    return run_python(*words, cwd=cwd, env={"PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def console_script(tmp_path_factory):
    """The program that an installation makes of the entry point."""
    path = tmp_path_factory.mktemp("bin") / "acme-moe"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nfrom acme_moe.cli.main import main\n"
        "if __name__ == '__main__':\n    sys.exit(main())\n"
    )
    return path


def test_the_program_lists_its_commands(console_script):
    listed = start(console_script, "--help")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in COMMANDS)
    assert start(console_script).returncode == 2
    unknown = start(console_script, "tran")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: command: 'tran' is not known; accepted: ")
    assert "did you mean train" in unknown.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_how_and_loads_nothing_heavy(name, console_script):
    for words in (
        ("-m", f"acme_moe.cli.{name}"),
        (console_script, name),
        (ROOT / "launchers" / f"{name}.py",),
    ):
        # In an interpreter of its own, which has imported nothing yet.
        result = subprocess.run(
            [sys.executable, "-X", "importtime", *map(str, words), "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        first, *_ = result.stdout.splitlines()
        assert first.endswith(".")
        assert "flags:" in result.stdout
        assert re.search(r"^  --(workdir|checkpoint): ", result.stdout, re.M)
        loaded = {
            line.rpartition("|")[2].strip() for line in result.stderr.splitlines()
        }
        assert "acme_moe.cli.console" in loaded
        assert not loaded & HEAVY


@pytest.mark.parametrize("name", ["train", "check", "report"])
def test_help_has_a_short_form(name, console_script):
    assert "flags:" in start(console_script, name, "-h").stdout


def test_a_report_is_of_the_files_of_each_flag(tmp_path):
    words = [f"--external={tmp_path / name}.csv" for name in ("first", "second")]
    result = start("-m", "acme_moe.cli.report", *words, f"--out={tmp_path / 'out'}")
    assert result.returncode == 2
    assert "first.csv" in result.stderr


def test_a_run_goes_to_the_command_that_trains_it(console_script, tmp_path):
    for words, config, other in (
        (("-m", "acme_moe.cli.train"), "cql_atari", "-m acme_moe.cli.train_offline"),
        ((console_script, "train_offline"), "dqn_atari", "acme-moe train"),
    ):
        result = start(*words, f"--config={config}", f"--workdir={tmp_path}")
        assert result.returncode == 2
        assert re.search(rf"{other} trains it$", result.stderr.strip()), result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config=dqn_atri"], "config: 'dqn_atri' is not known; accepted: dqn_atari"),
        ([], "config: is missing, and --workdir holds no run to resume"),
        (["--confg=dqn_atari"], "--confg: is not a flag; did you mean config?"),
        (["--config=dqn_atari", "--config.seed=-1"], "seed: -1 is not accepted; at"),
        (["--config=dqn_atari", "--config.sed=1"], "sed: is not a field; did you mean"),
    ],
)
def test_a_usage_error_ends_with_status_2(arguments, message, tmp_path):
    result = start("-m", "acme_moe.cli.train", f"--workdir={tmp_path}", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("workdir", [[], ["--workdir="]])
def test_a_folder_is_asked_for(workdir):
    result = start("-m", "acme_moe.cli.train", "--config=dqn_atari", *workdir)
    assert result.returncode == 2
    assert result.stderr.startswith("error: workdir: is missing")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("sweep --study=figure_1 --workdir=", "workdir"),
        ("sweep --study=figure_1 --workdir=runs --arms=", "arms"),
        ("sweep --study=figure_11 --workdir=runs --data=", "data"),
        ("search --search=mine.py --workdir=", "workdir"),
        ("report --workdir=runs --out=", "out"),
        ("report --workdir= --out=report", "workdir"),
        ("train --config= --workdir=runs", "config"),
    ],
)
def test_a_flag_of_an_empty_variable_is_refused(words, name, tmp_path):
    command, *flags = words.split()
    result = start("-m", f"acme_moe.cli.{command}", *flags, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"error: {name}: is missing; a value after --{name}=\n"
    assert not list(tmp_path.iterdir())


def test_a_run_is_resumed_from_its_folder_with_its_own_settings_only(tmp_path):
    config = {"agent": "dqn", "seed": 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = start(
        "-m", "acme_moe.cli.train", f"--workdir={tmp_path}", "--config.seed=4"
    )
    assert result.returncode == 2
    assert "seed: 3 there, 4 now" in result.stderr


def test_a_sweep_runs_from_any_folder(tmp_path):
    """Lists what would run; its commands name no file of the repository."""
    words = ("-m", "acme_moe.cli.sweep", "--study=figure_7", "--workdir=runs")
    listed = start(*words, "--dry_run", cwd=tmp_path)
    assert "6 runs: 960 agent steps" in listed.stdout, listed.stderr
    printed = start(*words, "--print_commands=slurm", cwd=tmp_path)
    assert f"cd {tmp_path} || exit 1" in printed.stdout
    assert "-m acme_moe.cli.train --config=dqn_atari" in printed.stdout
    assert str(ROOT / "launchers") not in printed.stdout
    states = start(*words, "--status", cwd=tmp_path)
    (total,) = (x for x in states.stdout.splitlines() if x.startswith("all "))
    assert total.split() == ["all", "0", "0", "0", "0", "6"]


def test_a_sweep_is_of_the_arms_games_seeds_and_data_that_are_given(tmp_path):
    listed = start(
        *("-m", "acme_moe.cli.sweep", "--study=figure_11", f"--workdir={tmp_path}"),
        *("--scale=small", "--arms=cql-baseline,cql-soft_moe", "--games=Pong"),
        *("--seeds=3", "--data=/data", "--print_commands=shell"),
    )
    found = re.findall(r"/(cql\S+)/sweep\.lock.*dataset\.path=(\S+)", listed.stdout)
    assert found == [
        (f"cql-{layer}/Pong/{seed}", f"/data/Pong/{seed + 1}/replay_logs")
        for seed in range(3)
        for layer in ("baseline", "soft_moe")
    ], listed.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("sweep", "--study=figure_1", "--workdir={}", "--scale=paper", "--dry_run"),
        ("check", "minatar", "--kind=environment"),
    ],
)
def test_a_listing_ends_quietly_with_its_reader(words, tmp_path):
    arguments = [word.format(tmp_path) for word in words]
    command = [sys.executable, "-m", "acme_moe.cli.main", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as listing:
        # Nobody reads any more when the first line comes.
        listing.stdout.close()
        errors = listing.stderr.read()
        assert listing.wait() == 0
    assert errors == b""
