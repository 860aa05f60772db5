"""Every command in README and docs runs, or is marked as not run in CI.

Some have shorter runs here than on the page: see `SHORTER`.

The mark is a comment of the page's, which readers do not see, on the line before the
block. Blocks of one page run one after the other in one folder, as a reader would run
them. Of those that are marked, and of lists of settings, the settings are checked.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest

from acme_moe.cli.config_fields import set_fields
from acme_moe.runs.config import from_config_dict, load_config
from acme_moe.studies.figures import load_study
from tests.programs import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = "<!-- not run in CI -->"


def blocks(page, language):
    """The page's blocks of that language, each with whether it is marked."""
    found = re.findall(
        rf"^({MARK}\n)?```{language}\n(.*?)^```$", page.read_text(), re.M | re.S
    )
    return [(block, bool(mark)) for mark, block in found]


def settings(block):
    """The flags on a block's command line that set fields, but for a variable's."""
    words = shlex.split(block, comments=True)
    return [word for word in words if word.startswith("--config.") and "$" not in word]


def commands(page):
    """The page's blocks of commands, each with whether CI runs it."""
    for block, marked in blocks(page, "bash"):
        yield block, not marked and not block.lstrip().startswith("--")


NOT_RUN = [
    (page, block) for page in PAGES for block, runs in commands(page) if not runs
]
WITH_COMMANDS = [page for page in PAGES if any(runs for _, runs in commands(page))]
# Shorter runs that do the same: each learns for some steps after a shorter warm-up, and
# plays a short game as evaluation. Reports draw fewer bootstrap samples. By what stands
# there, what is run.
SHORTER = {
    r"--config\.evaluation_episodes=1$": (
        r"\g<0> --config.environment.max_episode_steps=50 --config.min_replay_size=100"
    ),
    r"=(1200|2000)\b": "=150",
    r"=1300\b": "=180",
    r"=1000\b": "=260",
    r"=500\b": "=130",
    r"--max_steps=200\b": "--max_steps=20",
    r"launchers/report\.py\b": r"\g<0> --reps=50",
}


@pytest.mark.parametrize(
    ("page", "block"),
    NOT_RUN,
    ids=[f"{p.name}-{i}" for i, (p, _) in enumerate(NOT_RUN)],
)
def test_what_ci_does_not_run_has_settings_that_are_accepted(page, block):
    for command in re.split(r"(?<!\\)\n(?=\S)", block):
        used = re.search(r"--config=(\S+\.py|\w+)\s", command)
        config = load_config(_at_root(used[1] if used else "dqn_atari"))
        from_config_dict(set_fields(config, ["train", *settings(command)]))
        for program in re.findall(r"(?:launchers|examples)/\w+\.py", command):
            assert (ROOT / program).exists()
        for study in re.findall(r"--study=(\S+)", command):
            load_study(_at_root(study))


def _at_root(source):
    """A preset's or a study's name, or the path of a file in the repository."""
    return str(ROOT / source) if source.endswith(".py") else source


@pytest.fixture
def clone(tmp_path):
    """What a clone with its environment has, in a folder that commands may fill."""
    for path in ROOT.iterdir():
        if path.name not in (".venv", "runs", "build"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for block, _ in blocks(ROOT / "docs" / "studies.md", "python"):
        (tmp_path / "capacity.py").write_text(block)
    return tmp_path


@pytest.mark.parametrize("pattern", SHORTER)
def test_what_makes_runs_shorter_is_there(pattern):
    blocks_ = [block for page in PAGES for block, runs in commands(page) if runs]
    assert any(re.search(pattern, block, re.M) for block in blocks_)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=[p.stem for p in WITH_COMMANDS])
def test_commands_run(page, clone):
    for block in (block for block, runs in commands(page) if runs):
        for pattern, shorter in SHORTER.items():
            block = re.sub(pattern, shorter, block, flags=re.M)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=clone,
            # The environment is another checkout's, and stays as it is.
            env={
                **os.environ,
                "COLUMNS": "100",
                "MAKEFLAGS": "-o pyproject.toml -o requirements.txt",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
