"""One writer to a folder, whoever else comes, and however the writer ends."""

import contextlib
import errno
import fcntl
import os
import socket
import subprocess
import sys

import pytest

from acme_moe import disk, folder_lock
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.launch import run_distributed
from acme_moe.folder_lock import FolderInUseError, FolderLock
from acme_moe.runs.online import OnlineRun
from tests.runs import tiny

_HOLD = """
import sys, pathlib
from acme_moe.folder_lock import FolderLock
lock = FolderLock(pathlib.Path(sys.argv[1]), field="workdir")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holder(folder):
    """Another process that holds a folder."""
    command = [sys.executable, "-c", _HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_second_is_told_who_holds_the_folder(tmp_path):
    with holder(tmp_path) as process, pytest.raises(FolderInUseError) as error:
        FolderLock(tmp_path, field="workdir")
    assert str(error.value).startswith(f"workdir: {str(tmp_path)!r} is not accepted")
    assert f"process {process.pid} on {socket.gethostname()} (-c " in str(error.value)


def test_a_killed_holder_holds_nothing(tmp_path):
    with holder(tmp_path):
        pass
    with FolderLock(tmp_path, field="workdir"):
        assert f'"pid": {os.getpid()}' in (tmp_path / ".lock").read_text()


def test_a_holder_that_has_not_said_who_it_is(tmp_path):
    with FolderLock(tmp_path, field="out"):
        (tmp_path / ".lock").write_text("")
        with pytest.raises(FolderInUseError, match="while another process writes"):
            FolderLock(tmp_path, field="out")


def test_a_released_folder_is_free(tmp_path):
    lock = FolderLock(tmp_path, field="workdir")
    lock.release()
    lock.release()
    with FolderLock(tmp_path, field="workdir"):
        pass


def test_a_full_disk_holds_nothing(tmp_path, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(folder_lock, "_myself", full)
        with pytest.raises(disk.DiskError, match="No space left") as error:
            FolderLock(tmp_path, field="workdir")
    assert error.tb is not None
    FolderLock(tmp_path, field="workdir").release()


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with caplog.at_level("WARNING"), FolderLock(tmp_path, field="workdir"):
        pass
    assert "this file system has no locks" in caplog.text


def distributed(spec, workdir):
    run_distributed(spec, workdir, DistributedConfig())


@pytest.mark.parametrize("start", [OnlineRun, distributed])
def test_a_run_does_not_touch_a_folder_in_use(tmp_path, start):
    with holder(tmp_path), pytest.raises(FolderInUseError):
        start(tiny.spec(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_run_holds_its_folder_until_it_is_closed(tmp_path):
    with OnlineRun(tiny.spec(), tmp_path), pytest.raises(FolderInUseError):
        FolderLock(tmp_path, field="workdir")
    with FolderLock(tmp_path, field="workdir"):
        pass
