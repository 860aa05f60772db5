"""Commands where only what the pure parts need is installed."""

import os
import subprocess
import sys

import pytest

from acme_moe.cli.main import COMMANDS, INSTALL
from tests.programs import ROOT

# The program of an installation, as if some modules were not there.
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({missing}))
from acme_moe.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture
def start(tmp_path):
    """Runs a command without the modules that are named."""

    def run(missing, *words):
        program = tmp_path / "acme-moe"
        program.write_text(PROGRAM.format(missing=missing))
        return subprocess.run(
            [sys.executable, program, *words],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )

    return run


def test_help_needs_none_of_it(start):
    done = start(["gym_notices", "acme", "ml_collections", "numpy"], "--help")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("missing", "command"),
    [("ml_collections", "train"), ("acme", "train"), ("matplotlib", "report")],
)
def test_a_command_says_what_is_missing_and_how_to_install_it(
    missing, command, start, tmp_path
):
    flags = [f"--workdir={tmp_path / 'run'}"]
    flags += ["--config=dqn_minatar"] if command == "train" else ["--out=x"]
    done = start(["gym_notices", missing], command, *flags)
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.splitlines()
    assert first == (
        f"error: {command} needs {missing!r}, which is not installed. With Python 3.10:"
    )
    assert [line.strip() for line in rest] == list(INSTALL)
    assert not (tmp_path / "run").exists()


def test_another_module_that_is_missing_is_an_error_of_its_own(start):
    done = start(["acme_moe.cli.run_flags"], "train", "--workdir=x")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
