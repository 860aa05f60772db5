"""A run names the commit that it was made with, and never somebody else's."""

import functools
import importlib.metadata
import os
import subprocess

import pytest

from acme_moe import files
from acme_moe.runs import code_version as module
from acme_moe.runs import folder as folder_lib
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.state import RunState
from tests.runs import tiny

VERSION = importlib.metadata.version("acme-moe")


def git(folder, *arguments):
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return output.stdout.decode().strip()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in a folder of its own, in which nothing is committed."""
    # Or a hook's repository, or settings of whoever runs the tests, would be used.
    for name in module.REPOSITORY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    # Where the temporary folder is in a repository.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "project" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    monkeypatch.setattr(module, "_PACKAGE", folder)
    return folder


@pytest.fixture
def commit(package):
    """The commit of a repository that has the package."""
    git(package.parent, "init", "--quiet")
    git(package, "add", ".")
    git(package, "commit", "--quiet", "--message=x")
    return git(package, "rev-parse", "--short=12", "HEAD")


def found():
    return module.find_code_version()


def test_a_commit_is_named(commit):
    assert found() == f"{VERSION}+{commit}"


def test_what_is_not_part_of_the_package_is_no_change(package, commit):
    (package.parent / "notes.txt").write_text("x")
    assert found() == f"{VERSION}+{commit}"


@pytest.mark.parametrize("file", ["__init__.py", "new.py"])
def test_changes_that_are_not_committed_are_mentioned(package, commit, file):
    (package / file).write_text("x = 1")
    assert found() == f"{VERSION}+{commit}.modified"


def test_an_installed_package_has_no_commit(package):
    assert found() == VERSION


def test_the_repository_around_an_environment_is_not_named(package):
    project = package.parent
    (project / ".gitignore").write_text("package\n")
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=x")
    assert found() == VERSION


def test_without_git_there_is_no_commit(commit, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert found() == VERSION


def test_a_package_that_is_not_installed_has_a_commit(commit, monkeypatch):
    monkeypatch.setattr("sys.path", [])
    assert found() == f"unknown+{commit}"


def test_a_hooks_repository_is_not_taken_for_the_packages(package, commit, monkeypatch):
    other = package.parents[1] / "other"
    other.mkdir()
    (other / "__init__.py").write_text("")
    git(other, "init", "--quiet")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message=y")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert found() == f"{VERSION}+{commit}"


def test_changes_that_cannot_be_found_out_are_assumed(commit, monkeypatch):
    git_itself = module._git
    monkeypatch.setattr(
        module, "_git", lambda *a: None if a[0] == "status" else git_itself(*a)
    )
    assert found() == f"{VERSION}+{commit}.modified"


def versions_after(tmp_path, monkeypatch, version, state):
    monkeypatch.setattr(folder_lib, "CODE_VERSION", version)
    monkeypatch.setattr(folder_lib, "find_platform", lambda: f"of {version}")
    folder = RunFolder(tmp_path, tiny.spec())
    folder.forget_scores_after(state)
    # The second time it knows.
    folder.write_summary({"status": "running"})
    folder.write_summary({"status": "running"})
    summary = files.read_json(tmp_path / "summary.json")
    platforms = [x if x == "unknown" else f"of {x}" for x in summary["code_versions"]]
    assert summary["platforms"] == platforms
    return summary["code_versions"]


def test_a_summary_lists_the_versions_of_a_run_and_of_its_resumptions(
    tmp_path, monkeypatch
):
    later = RunState(agent_steps=100)
    after = functools.partial(versions_after, tmp_path, monkeypatch)
    assert after("0.1.0", RunState()) == ["0.1.0"]
    # It failed before it was saved.
    assert after("0.1.0+a", RunState()) == ["0.1.0+a"]
    assert after("0.1.0+b", later) == ["0.1.0+a", "0.1.0+b"]
    assert after("0.1.0+a", later) == ["0.1.0+a", "0.1.0+b"]


def test_a_run_begun_when_runs_did_not_tell_says_so(tmp_path, monkeypatch):
    (tmp_path / "summary.json").write_text('{"status": "interrupted"}')
    versions = versions_after(tmp_path, monkeypatch, "0.1.0", RunState(learner_steps=1))
    assert versions == ["unknown", "0.1.0"]
