"""The package of the example is installed, and then found by its import path alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.examples.test_own_moe import LAYER, ROOT, ROWS, SMALL, STUDY


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a fresh environment in which the package is installed.

    What the library needs it shares with the environment of the tests; nothing is
    fetched.
    """
    folder = tmp_path_factory.mktemp("fresh")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT / "examples" / "own_moe", source, ignore=ignored)
    home = folder / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    shared = sysconfig.get_path("purelib")
    (packages / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
    python = home / "bin" / "python"
    installed = run(
        folder,
        *(python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
        *("--no-index", "--no-deps", "--no-build-isolation", source),
    )
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(source)
    return python


def run(folder, *command):
    """Runs a command that finds neither the examples nor the tests."""
    return subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def acme_moe(python, folder, command, *arguments):
    return run(folder, python, "-m", f"acme_moe.cli.{command}", *arguments)


def test_it_is_in_that_environment_alone(python, tmp_path):
    code = "import importlib.metadata as m, own_moe; print(own_moe.__file__)"
    found = run(tmp_path, python, "-c", code + "; print(m.version('own_moe'))")
    assert found.returncode == 0, found.stderr
    file, version = found.stdout.splitlines()
    assert Path(file).is_relative_to(python.parents[1])
    assert version == "0.1.0"
    here = run(tmp_path, sys.executable, "-c", "import own_moe")
    assert "No module named 'own_moe'" in here.stderr


def test_it_trains_by_its_import_path(python, tmp_path):
    arguments = ("--config=dqn_atari", "--workdir=run", *LAYER, *SMALL)
    small = ("--config.environment.name=bsuite", "--config.environment.catch_image")
    done = acme_moe(
        python, tmp_path, "train", *arguments, *small, "--config.max_agent_steps=120"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "summary.json").exists()


def test_a_study_lists_it(python, tmp_path):
    (tmp_path / "own_study.py").write_text(STUDY)
    flags = ("--study=own_study.py", "--workdir=study", "--dry_run")
    done = acme_moe(python, tmp_path, "sweep", *flags)
    assert done.returncode == 0, done.stderr
    assert "dqn-expert_choice" in done.stdout


def test_a_part_that_it_lacks_is_named(python, tmp_path):
    done = acme_moe(python, tmp_path, "check", ROWS.replace("Rows", "Row"))
    assert done.returncode == 2
    assert "'own_moe.tokens' has no 'Row' (did you mean Rows?)" in done.stderr
