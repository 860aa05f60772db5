"""A run names the commit that it was made with, and never somebody else's."""

import importlib.metadata
import subprocess

import pytest

from acme_moe.runs import code_version as module
from acme_moe.runs.folder import RunFolder
from tests.runs import tiny

VERSION = importlib.metadata.version("acme-moe")


def git(folder, *arguments):
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return output.stdout.decode().strip()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in a folder of its own, in which nothing is committed."""
    folder = tmp_path / "project" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    monkeypatch.setattr(module, "_PACKAGE", folder)
    # Where the temporary folder is in a repository.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return folder


@pytest.fixture
def commit(package):
    """The commit of a repository that has the package."""
    git(package.parent, "init", "--quiet")
    git(package, "add", ".")
    git(package, "commit", "--quiet", "--message=x")
    return git(package, "rev-parse", "--short", "HEAD")


def found():
    return module.code_version.__wrapped__()


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


def test_a_summary_lists_the_versions_of_all_processes(tmp_path, monkeypatch):
    versions = iter(["0.1.0", "0.1.0+a", "0.1.0"])
    monkeypatch.setattr("acme_moe.runs.folder.code_version", lambda: next(versions))
    for _ in range(3):
        folder = RunFolder(tmp_path, tiny.spec())
        # The second time it knows.
        folder.write_summary({"status": "running"})
        folder.write_summary({"status": "running"})
    assert folder.read_summary()["code_versions"] == ["0.1.0", "0.1.0+a"]
