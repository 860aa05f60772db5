"""Records a run's interactions in the format of the DQN Replay Dataset."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dm_env
import numpy as np
from absl import logging
from acme import specs
from acme.adders import base

from acme_moe import disk, files
from acme_moe.environments.wrappers import OAR
from acme_moe.offline.reader import FILE_NAME, OBSERVATION, DatasetError, file_name
from acme_moe.offline.writer import FileWriter
from acme_moe.replay import frames
from acme_moe.specs import StackedFrames

# In the folders of a run and of the set that it records, with the same identifier in
# both, and the path of the other folder.
_ID_FILE = "recorder_id.txt"

_Row = tuple[np.ndarray, int, float, bool]


class Recorder:
    """Writes a set, in files that are either complete or not there at all.

    Each environment's episode is written when it ends, so that rows of several
    environments do not mix. `save` also writes the rows that the open episodes have so
    far. Their other rows follow in the next file, where the first `stack - 1` rows of
    each such episode start no transition, because they lack a whole stack.
    """

    def __init__(
        self,
        path: Path,
        environment_spec: specs.EnvironmentSpec,
        *,
        run_folder: Path,
        num_files: int = 0,
        rows_per_file: int = 1_000_000,
    ) -> None:
        """Opens the folder of a set.

        Args:
          path: folder of the set; made if it is missing.
          environment_spec: spec of the environments.
          run_folder: folder of the run that records. An identifier in both folders
            tells the run's own set from others, even if either has moved.
          num_files: number of complete files that the run has at its checkpoint; later
            files were written after the checkpoint, and are removed.
          rows_per_file: most rows of a file; a published file has a million.

        Raises:
          DatasetError: if the observation is not one stack of frames (with R2D2, beside
            the last action and reward), or if the folder holds another set than the
            run's, or less of the run's set than it has recorded.
          DiskError: if the folder cannot be made or written to.
        """
        observations = environment_spec.observations
        # R2D2's have the last action and reward beside the frames.
        self._has_extras = isinstance(observations, OAR)
        stack = observations.observation if self._has_extras else observations
        if not isinstance(stack, StackedFrames):
            raise DatasetError(
                f"record: observations {observations!r} cannot be recorded; "
                "those that are one stack of frames, acme_moe.specs.StackedFrames"
            )
        _claim(path, run_folder, num_files)
        _forget(path, num_files)
        self.spec = stack
        self._path = path
        self._rows_per_file = rows_per_file
        self._num_files = num_files
        self._writer: FileWriter | None = None
        self._adders: list[RecordingAdder] = []

    def wrap(self, adder: base.Adder) -> RecordingAdder:
        """Returns an adder that also records; each environment needs its own."""
        recording = RecordingAdder(adder, self)
        self._adders.append(recording)
        return recording

    def newest_frame(self, observation: Any) -> np.ndarray:
        """Returns the frame that is recorded of an observation."""
        stack = observation.observation if self._has_extras else observation
        return frames.newest(self.spec, stack)

    def write(self, rows: list[_Row]) -> None:
        """Writes rows of one episode, which no later row of this file continues.

        Raises:
          DiskError: if they cannot be; see `save`.
        """
        for row in rows:
            with self._discarding_what_fails():
                if self._writer is None:
                    self._writer = FileWriter(
                        self._path,
                        self._num_files,
                        self.spec.frame.shape,
                        stack=self.spec.stack,
                    )
                self._writer.append(*row)
            if self._writer.rows == self._rows_per_file:
                self._finish()
        if self._writer is not None and rows:
            self._writer.end()

    def save(self) -> int:
        """Completes the file with all rows so far; returns the number of files.

        Raises:
          DiskError: if the file cannot be written. The rows since the last complete
            file are then lost, and later rows start the file anew.
        """
        for adder in self._adders:
            adder.write_rows()
        self._finish()
        return self._num_files

    @property
    def num_files(self) -> int:
        """Number of complete files of the set."""
        return self._num_files

    def _finish(self) -> None:
        if self._writer is not None:
            with self._discarding_what_fails():
                self._writer.finish()
            self._writer = None
            self._num_files += 1

    @contextlib.contextmanager
    def _discarding_what_fails(self) -> Iterator[None]:
        """Discards a file that cannot be written to: half a file is of no use."""
        try:
            with disk.writing(self._path):
                yield
        except disk.DiskError as error:
            self.close()
            raise disk.DiskError(
                f"{error}; what was recorded since its last whole file is lost"
            ) from error

    def close(self) -> None:
        """Discards what `save` has not written."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None


def _claim(path: Path, run_folder: Path, num_files: int) -> None:
    """Marks a folder as that of a run's set, or refuses it; see `Recorder`."""
    (claimed_by, recorded_by), (own, _) = _read_id(path), _read_id(run_folder)
    recorded = [path / file_name(OBSERVATION, number) for number in range(num_files)]
    is_own = bool(claimed_by) and claimed_by == own
    # The run from which this one was copied would lose what it recorded since.
    if is_own and recorded_by not in ("", str(run_folder.resolve())):
        is_own = _read_id(Path(recorded_by)) != (own, str(path.resolve()))
    if not is_own or not all(file.exists() for file in recorded):
        if num_files:
            raise DatasetError(
                f"record: {path.absolute()} does not hold files 0 to {num_files - 1} "
                "of the set that this run records, or is that of the run from which "
                "this one was copied; give the folder that does, or none "
                "(--config.record=) to go on without recording"
            )
        if claimed_by or any(path.glob("*_ckpt.*")):
            raise DatasetError(
                f"record: {path.absolute()} is another run's or holds a set already; "
                "give another folder, or none"
            )
        own = own or uuid.uuid4().hex
    for folder, other in ((run_folder, path), (path, run_folder)):
        if _read_id(folder) == (own, str(other.resolve())):
            continue
        with disk.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / _ID_FILE, f"{own}\n{other.resolve()}\n")


def _read_id(folder: Path) -> tuple[str, str]:
    """Returns the identifier in a folder and the path of the other, empty if none."""
    with contextlib.suppress(OSError):
        identifier, _, other = (folder / _ID_FILE).read_text().partition("\n")
        return identifier.strip(), other.strip()
    return "", ""


def _forget(path: Path, num_files: int) -> None:
    """Removes all files of a run's set except the first `num_files`."""
    for file in list(path.iterdir()):
        name = FILE_NAME.fullmatch(file.name.removesuffix(files.UNFINISHED))
        if name and int(name[2]) >= num_files:
            file.unlink()


class RecordingAdder(base.Adder):
    """Adder of one environment that records what it passes to another adder."""

    def __init__(self, adder: base.Adder, recorder: Recorder) -> None:
        """Wraps an adder; `Recorder.wrap` makes it known to the recorder as well."""
        self._adder = adder
        self._recorder = recorder
        self._rows: list[_Row] = []  # Those that are not written yet.
        self._frame: np.ndarray | None = None

    def add_first(self, timestep: dm_env.TimeStep) -> None:
        """Starts an episode; one that is open ends without a last step."""
        self._end_rows()
        spec = self._recorder.spec
        self._rows = [(frames.blank(spec), 0, 0.0, False)] * (spec.stack - 1)
        self._frame = self._recorder.newest_frame(timestep.observation)
        self._adder.add_first(timestep)

    def resume(self, timestep: dm_env.TimeStep) -> None:
        """Continues an open episode of the other adder, after a `Recorder.save`."""
        if not timestep.last():
            self._frame = self._recorder.newest_frame(timestep.observation)

    def add(
        self, action: Any, next_timestep: dm_env.TimeStep, extras: Any = ()
    ) -> None:
        """Records an action and its outcome."""
        if self._frame is None:
            raise ValueError("add: no episode is open; call add_first before")
        ends = next_timestep.last()
        terminal = ends and float(next_timestep.discount) == 0.0
        self._rows.append(
            (self._frame, int(action), float(next_timestep.reward), terminal)
        )
        self._frame = self._recorder.newest_frame(next_timestep.observation)
        if ends:
            self._frame = None
            self._end_rows()
        self._adder.add(action, next_timestep, extras)

    def _end_rows(self) -> None:
        """Writes the rows of an episode; the run goes on if that is not possible."""
        try:
            self.write_rows()
        except disk.DiskError as error:
            logging.log_every_n_seconds(
                logging.WARNING, "record: %s; the run goes on", 60, error
            )

    def write_rows(self) -> None:
        """Writes the rows so far, whether or not the episode has ended."""
        rows, self._rows = self._rows, []
        self._recorder.write(rows)

    def reset(self) -> None:
        """Ends the other adder's episode; the recording continues."""
        self._adder.reset()

    def flush(self) -> None:
        """Flushes the other adder."""
        self._adder.flush()

    def close(self) -> None:
        """Closes the other adder; the recorder's owner closes the recorder."""
        self._adder.close()
