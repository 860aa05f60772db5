"""Writes the files that `acme_moe.offline.reader` reads."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from acme_moe.files import UNFINISHED
from acme_moe.offline.reader import OBSERVATION, file_name

# Compression level of gzip. Higher levels take time from the run that is recorded.
_LEVEL = 1


class FileWriter:
    """Writes one file of a set, row by row.

    Frames go to disk at once, everything else when the file is finished; only then
    do its files get their names.
    """

    def __init__(
        self, path: Path, number: int, frame_shape: tuple[int, int], *, stack: int
    ) -> None:
        """Starts a file of the set at `path`; an observation holds `stack` frames."""
        self._path = path
        self._number = number
        self._shape = frame_shape
        self._stack = stack
        self._action: list[int] = []
        self._reward: list[float] = []
        self._terminal: list[bool] = []
        self._ends: set[int] = set()
        self._file = self._unfinished(OBSERVATION).open("wb")
        # The header comes before the rows and has their number, which is not known yet.
        # gzip members can be concatenated, and an uncompressed one has a fixed length,
        # so the header is a member of its own, which is overwritten at the end.
        self._write_header()
        self._frames = gzip.GzipFile(
            fileobj=self._file, mode="wb", compresslevel=_LEVEL, mtime=0
        )

    @property
    def rows(self) -> int:
        """Rows written so far."""
        return len(self._action)

    def append(
        self, frame: np.ndarray, action: int, reward: float, terminal: bool
    ) -> None:
        """Writes a row: a frame, the action taken there, and its outcome."""
        self._frames.write(np.ascontiguousarray(frame).data)
        self._action.append(action)
        self._reward.append(reward)
        self._terminal.append(terminal)
        if terminal:
            self.end()

    def end(self) -> None:
        """Marks the last row as one that the next row does not continue."""
        self._ends.add(self.rows - 1)

    def finish(self) -> None:
        """Completes the file: gives the files of its arrays their final names."""
        self._frames.close()
        self._file.seek(0)
        self._write_header()
        _sync(self._file)
        self._file.close()
        rows = self.rows
        # As in Dopamine's buffer: one row before its end, and the stack after.
        invalid = (rows - 1 + np.arange(self._stack + 1)) % rows
        arrays: dict[str, np.ndarray] = {
            "$store$_action": np.array(self._action, np.int32),
            "$store$_reward": np.array(self._reward, np.float32),
            "$store$_terminal": np.array(self._terminal, np.uint8),
            "add_count": np.array(rows),
            "invalid_range": invalid,
        }
        contents = {name: _npy(array) for name, array in arrays.items()}
        contents["episode_end_indices"] = pickle.dumps(self._ends)
        for name, data in contents.items():
            with self._unfinished(name).open("wb") as stream:
                stream.write(gzip.compress(data, _LEVEL, mtime=0))
                _sync(stream)
        for name in (*contents, OBSERVATION):
            os.replace(
                self._unfinished(name), self._path / file_name(name, self._number)
            )

    def abandon(self) -> None:
        """Removes what was written; raises nothing where the disk fails."""
        for stream in (self._frames, self._file):
            with contextlib.suppress(OSError):
                stream.close()
        for path in self._path.glob(self._unfinished("*").name):
            with contextlib.suppress(OSError):
                path.unlink()

    def _write_header(self) -> None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {
                "descr": "|u1",
                "fortran_order": False,
                "shape": (self.rows, *self._shape),
            },
        )
        self._file.write(gzip.compress(header.getvalue(), 0, mtime=0))

    def _unfinished(self, name: str) -> Path:
        return self._path / (file_name(name, self._number) + UNFINISHED)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _sync(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())
