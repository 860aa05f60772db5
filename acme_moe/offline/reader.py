"""Reads the files of the DQN Replay Dataset (Agarwal et al., 2020).

A set is a folder, of one game and one run of an agent. Its file number N is a replay
buffer in the form in which Dopamine saves one, each array `np.save`d and gzipped:

    $store$_observation_ckpt.N.gz   uint8 [rows, height, width], single frames
    $store$_action_ckpt.N.gz        int32 [rows]
    $store$_reward_ckpt.N.gz        float32 [rows], clipped to [-1, 1] if published
    $store$_terminal_ckpt.N.gz      uint8 [rows], 1 where the action ended the episode
    add_count_ckpt.N.gz             int64 [], rows written so far
    invalid_range_ckpt.N.gz         int64 [k], rows that are no transitions
    episode_end_indices_ckpt.N.gz   a pickled set of rows; newer sets only

A row holds the frame that the agent saw, its action, and the action's outcome. An
episode starts with `stack - 1` rows of zeros. The buffer is circular: the rows before
`add_count % rows` are newer than those from there on. A truncated episode ends with a
row that is in `episode_end_indices` and not terminal.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE_NAME = re.compile(r"(.+)_ckpt\.(\d+)\.gz")
"""Name of a file of a set; its groups are the array and the number."""
OBSERVATION = "$store$_observation"
_COLUMNS = ("$store$_action", "$store$_reward", "$store$_terminal")
_EPISODE_ENDS = "episode_end_indices"
_CONTENTS = {
    OBSERVATION: "uint8 frames [rows, height, width]",
    "$store$_action": "int32 [rows]",
    "$store$_reward": "float32 [rows]",
    "$store$_terminal": "uint8 [rows]",
    "add_count": "the number of rows that were written",
    "invalid_range": "the rows around the buffer's end",
    _EPISODE_ENDS: "a pickled set of rows",
}
_CHUNK_BYTES = 4 << 20


class DatasetError(ValueError):
    """A setting or a file of a set is missing, or is not as it should be."""


class Columns(NamedTuple):
    """The contents of a file, except its frames.

    Attributes:
      action: `int32 [rows]`.
      reward: `float32 [rows]`, as the file has it.
      terminal: `bool [rows]`, whether the action ended the episode.
      last: `bool [rows]`, whether the next row does not continue this one: at an
        episode's end, before the buffer's oldest row, and at the file's end.
      excluded: `bool [rows]`, rows that the file itself says are no transitions.
    """

    action: np.ndarray
    reward: np.ndarray
    terminal: np.ndarray
    last: np.ndarray
    excluded: np.ndarray


class FrameHeader(NamedTuple):
    """Number of the frames of one file, and their height and width."""

    rows: int
    shape: tuple[int, int]


def file_name(array: str, number: int) -> str:
    """Returns the name of the file that holds an array."""
    return f"{array}_ckpt.{number}.gz"


def list_files(path: str, num_files: int = 0) -> list[int]:
    """Lists the numbers of a set's files, each complete.

    Args:
      path: folder of the set.
      num_files: number of files that there must be; 0 takes the files that are there.

    Raises:
      DatasetError: names the first file that is missing, or says that there are more.
    """
    found: dict[int, set[str]] = {}
    for name in _list_directory(path):
        if match := FILE_NAME.fullmatch(name):
            found.setdefault(int(match[2]), set()).add(match[1])
    if not found:
        raise DatasetError(
            f"{path}: holds no set; {file_name(OBSERVATION, 0)} and its like, "
            "one game and run of the DQN Replay Dataset, or what --config.record wrote"
        )
    numbers = range(num_files or max(found) + 1)
    for number in numbers:
        hint = ""
        if number > max(found):
            hint = "; dataset.num_files=0 takes the files that are there"
        for array in _CONTENTS:
            if array != _EPISODE_ENDS and array not in found.get(number, ()):
                raise DatasetError(
                    f"{_join(path, file_name(array, number))}: is missing; the set has "
                    f"files 0 to {numbers[-1]}, and this one should hold {_spec(array)}"
                    + hint
                )
    if len(numbers) <= max(found):
        raise DatasetError(
            f"dataset.num_files: {num_files} is not accepted; {path} has files 0 to "
            f"{max(found)}, and 0 takes the files that are there"
        )
    return list(numbers)


def _spec(array: str) -> str:
    return f"{_CONTENTS[array]}, saved with numpy and gzipped"


def read_frame_header(path: str, number: int) -> FrameHeader:
    """Reads the number and shape of a file's frames, without the frames.

    Raises:
      DatasetError: if it is damaged, or holds something else.
    """
    with _open(path, OBSERVATION, number) as stream:
        return _frame_header(stream, path, number)


def read_columns(path: str, number: int) -> Columns:
    """Reads all of a file except its frames.

    Raises:
      DatasetError: names the array that is damaged or does not fit the others.
    """
    rows = read_frame_header(path, number).rows
    action, reward, terminal = (
        _read_array(path, name, number, (rows,), kinds)
        for name, kinds in zip(_COLUMNS, ("iu", "fiu", "iub"), strict=True)
    )
    count = int(_read_array(path, "add_count", number, (), "iu"))
    if count < 0:
        raise _damaged(path, "add_count", number, f"is {count}")
    last = terminal.astype(bool)
    terminal = last.copy()
    last[_episode_ends(path, number, rows)] = True
    # Before the oldest row, which is the first one of a buffer that is not full.
    last[count % rows - 1 if count >= rows else -1] = True
    excluded = np.zeros(rows, bool)
    if count < rows:
        excluded[count:] = True
        last[count - 1] = True
    invalid = _read_array(path, "invalid_range", number, None, "iuf")
    invalid = invalid.astype(np.int64)
    if np.any((invalid < 0) | (invalid >= rows)):
        raise _damaged(path, "invalid_range", number, f"names rows beyond {rows}")
    excluded[invalid] = True
    return Columns(
        action.astype(np.int32), reward.astype(np.float32), terminal, last, excluded
    )


def read_frames(path: str, number: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the frames of a file from first to last, some at a time.

    Yields:
      The first row of some frames, and the frames `uint8 [n, height, width]`, valid
      until the next are asked for.

    Raises:
      DatasetError: if the file ends early, continues after its last row, or fails its
        checksum.
    """
    with _open(path, OBSERVATION, number) as stream:
        rows, shape = _frame_header(stream, path, number)
        size = shape[0] * shape[1]
        buffer = np.empty((max(1, _CHUNK_BYTES // size), *shape), np.uint8)
        for start in range(0, rows, len(buffer)):
            part = buffer[: min(len(buffer), rows - start)]
            read = stream.readinto(part.data.cast("B"))
            if read < part.nbytes:
                what = f"ends after {start + read // size} of {rows} frames"
                raise _damaged(path, OBSERVATION, number, what)
            yield start, part
        # gzip verifies its checksum when it is read beyond the end.
        if stream.read(1):
            raise _damaged(path, OBSERVATION, number, f"continues after {rows} frames")


def _frame_header(stream: gzip.GzipFile, path: str, number: int) -> FrameHeader:
    read_header = np.lib.format.read_array_header_2_0
    if np.lib.format.read_magic(stream) == (1, 0):
        read_header = np.lib.format.read_array_header_1_0
    shape, fortran, dtype = read_header(stream)
    if len(shape) != 3 or dtype != np.uint8 or fortran or 0 in shape:
        raise _damaged(path, OBSERVATION, number, f"has {dtype} {list(shape)}")
    return FrameHeader(shape[0], (shape[1], shape[2]))


def _read_array(
    path: str, array: str, number: int, shape: tuple[int, ...] | None, kinds: str
) -> np.ndarray:
    """Reads an array of a shape, if one is given, and of some kinds of `np.dtype`."""
    with _open(path, array, number) as stream:
        # Read to the end first, so that the checksum is verified.
        values = np.load(io.BytesIO(stream.read()), allow_pickle=False)
    if shape is not None and values.shape != shape:
        what = f"has shape {list(values.shape)}, which should be {list(shape)}"
        raise _damaged(path, array, number, what)
    if values.dtype.kind not in kinds:
        raise _damaged(path, array, number, f"has values of type {values.dtype}")
    return values


def _episode_ends(path: str, number: int, rows: int) -> np.ndarray:
    """Reads the rows that end an episode; none in older sets, which lack the file."""
    if not _exists(_join(path, file_name(_EPISODE_ENDS, number))):
        return np.zeros(0, np.int64)
    with _open(path, _EPISODE_ENDS, number) as stream:
        ends = _SetUnpickler(io.BytesIO(stream.read())).load()
    if not isinstance(ends, set) or not all(0 <= int(row) < rows for row in ends):
        raise _damaged(path, _EPISODE_ENDS, number, f"is no set of rows below {rows}")
    return np.array(sorted(int(row) for row in ends), np.int64)


class _SetUnpickler(pickle.Unpickler):
    """Unpickles a set of numbers, and calls nothing else that a pickle may name."""

    _ACCEPTED = frozenset(
        {
            ("builtins", "set"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "scalar"),
            ("numpy._core.multiarray", "scalar"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Returns a class that a set of numbers needs; refuses all others."""
        if (module, name) not in self._ACCEPTED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a set of rows")
        return super().find_class(module, name)


@contextlib.contextmanager
def _open(path: str, array: str, number: int) -> Iterator[gzip.GzipFile]:
    """Opens a file's contents; any error while reading becomes a `DatasetError`."""
    try:
        raw = _open_binary(_join(path, file_name(array, number)))
        with raw, gzip.GzipFile(fileobj=raw, mode="rb") as stream:
            yield stream
    except DatasetError:
        raise
    except Exception as error:
        # Errors of gzip, zlib, numpy, pickle and TensorFlow have no common base.
        reason = str(error) or type(error).__name__
        raise _damaged(path, array, number, f"is damaged ({reason})") from error


def _damaged(path: str, array: str, number: int, what: str) -> DatasetError:
    name = _join(path, file_name(array, number))
    return DatasetError(f"{name}: {what}; it should hold {_spec(array)}")


def _remote(path: str) -> bool:
    return "://" in path


def _join(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"


def _list_directory(path: str) -> list[str]:
    try:
        if _remote(path):
            import tensorflow as tf

            return tf.io.gfile.listdir(path)
        return [entry.name for entry in Path(path).iterdir()]
    except Exception as error:  # TensorFlow's errors are no OSError.
        raise DatasetError(f"{path}: cannot be read ({error})") from error


def _exists(name: str) -> bool:
    try:
        if _remote(name):
            import tensorflow as tf

            return tf.io.gfile.exists(name)
        return Path(name).exists()
    except Exception as error:  # TensorFlow's errors are no OSError.
        raise DatasetError(f"{name}: cannot be read ({error})") from error


def _open_binary(name: str) -> Any:
    if _remote(name):
        import tensorflow as tf

        return tf.io.gfile.GFile(name, "rb")
    return Path(name).open("rb")
