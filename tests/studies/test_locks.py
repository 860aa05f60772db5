"""The locks of runs' folders."""

import errno
import fcntl
import os
import time

import pytest

from acme_moe.studies import locks


def look(folder):
    """Takes the lock as those do who only look; they leave it at once."""
    looking = os.open(folder / locks.FILE_NAME, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return looking


def test_one_who_looks_keeps_nobody_out(tmp_path, monkeypatch):
    os.close(locks.take(tmp_path))
    looking = look(tmp_path)
    assert not locks.is_taken(tmp_path), "two may look at once"
    monkeypatch.setattr(time, "sleep", lambda _: os.close(looking))
    lock = locks.take(tmp_path)
    assert lock is not None
    assert locks.is_taken(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert locks.take(tmp_path) is None
    os.close(lock)
    assert not locks.is_taken(tmp_path)


def test_one_who_may_only_read_can_look(tmp_path, monkeypatch):
    lock = locks.take(tmp_path)
    really_open = os.open

    def open_to_read(path, flags, *args):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really_open(path, flags, *args)

    monkeypatch.setattr(os, "open", open_to_read)
    assert locks.is_taken(tmp_path)
    os.close(lock)
    assert not locks.is_taken(tmp_path)


def test_nobody_has_a_lock_that_is_missing(tmp_path):
    assert not locks.is_taken(tmp_path)
    assert not locks.is_taken(tmp_path / "nothing")
    (tmp_path / "file").touch()
    assert not locks.is_taken(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_is_said_of_a_lock_that_cannot_be_read(tmp_path):
    lock = tmp_path / locks.FILE_NAME
    lock.symlink_to(lock)
    with pytest.raises(OSError, match=str(lock)):
        locks.is_taken(tmp_path)
