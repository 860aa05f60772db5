"""The locks of runs' folders."""

import os
import time

from acme_moe import folder_lock
from acme_moe.studies import locks


def test_one_who_looks_keeps_nobody_out(tmp_path, monkeypatch):
    looking = folder_lock.take(tmp_path / locks.FILE_NAME)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(looking))
    lock = locks.take(tmp_path)
    assert lock is not None
    assert locks.is_taken(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert locks.take(tmp_path) is None
    os.close(lock)
    assert not locks.is_taken(tmp_path)
