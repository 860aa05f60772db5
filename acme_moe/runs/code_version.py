"""Tells which version of the package a run was made with."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@functools.cache
def code_version() -> str:
    """Returns the package's version, with its commit if it is in a Git repository.

    For example `0.1.0+5333268`, or `0.1.0+5333268.modified` if the package has changes
    that are not committed. An installed package is not in the repository that its
    environment may lie in. The version is `unknown` if the package is not installed.
    """
    try:
        version = importlib.metadata.version("acme-moe")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    if not _git("ls-files", "__init__.py"):
        return version
    commit = _git("rev-parse", "--short", "HEAD")
    modified = ".modified" if _git("status", "--porcelain", ".") else ""
    return f"{version}+{commit}{modified}" if commit else version


def _git(*arguments: str) -> str:
    """Returns what Git prints in the package's folder, nothing if it fails."""
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=_PACKAGE,
            # Or several runs that start at once might wait for the repository's lock.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
