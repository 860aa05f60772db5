"""What is said, and what stays, where the disk will not have it."""

import errno
import os
from pathlib import Path

import pytest

from acme_moe import disk, files


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            r"^FILE could not be written: No space .* free, 3 MB needed$",
        ),
        (
            # As Reverb and TensorFlow have it.
            IndexError("/x/chunks.tfrecord; No space left on device"),
            r"^FILE could not be written: No space .* free, 3 MB needed$",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
            r"^FILE could not be written: Permission denied$",
        ),
    ],
)
def test_a_disks_error_is_one_line(tmp_path, error, said):
    path = tmp_path / "x.csv"
    with pytest.raises(disk.DiskError, match=said.replace("FILE", str(path))):  # noqa: SIM117
        with disk.writing(path, needed=3_000_000):
            raise error


@pytest.mark.parametrize("error", [ValueError("x"), ConnectionError(errno.EPIPE, "x")])
def test_other_errors_are_left_alone(tmp_path, error):
    with pytest.raises(type(error)) as raised, disk.writing(tmp_path):
        raise error
    assert raised.value is error


@pytest.mark.parametrize(
    ("num_bytes", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_500, "1.5 kB"),
        (999_700, "1 MB"),
        (2.5e15, "2.5e+03 TB"),
    ],
)
def test_sizes_are_readable(num_bytes, said):
    assert disk.size(num_bytes) == said


def test_a_path_that_cannot_be_made():
    with pytest.raises(disk.DiskError, match=r"^/proc/x could not be written: No such"):
        files.append_text(Path("/proc/x"), "row\n")


class _Full:
    """A raw file on a disk that takes a few bytes more."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, data):
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self._stream.write(data[: self._room])
        self._room -= taken
        return taken


def test_appending_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "scores.csv"
    files.append_text(path, "a,b\n1,2\n")
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda *a, **k: _Full(opened(*a, **k), room=2))
    with pytest.raises(disk.DiskError, match="No space left"):
        files.append_text(path, "3,4\n")
    monkeypatch.undo()
    assert path.read_text() == "a,b\n1,2\n"
    files.append_text(path, "3,4\n")
    assert path.read_text() == "a,b\n1,2\n3,4\n"


def test_a_file_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    files.write_text(path, "old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(disk.DiskError):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("synced", [True, False])
def test_a_replaced_file_is_on_the_disk_first(tmp_path, monkeypatch, synced):
    calls, replace = [], os.replace
    monkeypatch.setattr(os, "fsync", lambda _: calls.append("synced"))
    monkeypatch.setattr(
        os, "replace", lambda *names: (calls.append("replaced"), replace(*names))
    )
    files.write_text(tmp_path / "x", "text", synced=synced)
    assert calls == ["synced", "replaced"][not synced :]
