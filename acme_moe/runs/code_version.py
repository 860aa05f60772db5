"""Tells which version of the package this process runs."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# Git sets these for its hooks, of whichever repository they are.
REPOSITORY_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
)


def find_code_version() -> str:
    """Returns the package's version, with its commit if it is in a Git repository.

    For example `0.1.0+5333268a1b2c`, with `.modified` after it if the package has
    changes that are not committed. An installed package is not in the repository that
    its environment may lie in. A package that is not installed has no version, only
    `unknown`.
    """
    try:
        version = importlib.metadata.version("acme-moe")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    if not _git("ls-files", "__init__.py"):
        return version
    # Of a fixed length, since the shortest one depends on the clone.
    commit = _git("rev-parse", "--short=12", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=normal", ".")
    # If they could not be found out, nothing says that there are none.
    return f"{version}+{commit}" + (".modified" if changes != "" else "")


def _git(*arguments: str) -> str | None:
    """Returns what Git prints in the package's folder; None if it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in REPOSITORY_VARIABLES}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=_PACKAGE,
            # Or several runs that start at once might wait for the repository's lock.
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


CODE_VERSION = find_code_version()
"""That of this process, found when the code is imported: a checkout may change while
runs last, and a sweep's runs are of the code that the sweep has imported."""
