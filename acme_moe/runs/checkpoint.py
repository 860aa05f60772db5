"""One checkpoint: the files that it has, written, read and compared.

It is a folder named by the run's position, in agent steps, or in updates
where there are none (with `_001` for a second one):

    checkpoints/000000250000/
      state.npz       the learner's `TrainingState`, its arrays by their paths
      state.json      the run's counts, a `RunState`
      acting.npz,     the state of acting, a `SavedActing`; only if the run's replay
      acting.json     is seeded
      replay/         Reverb's own checkpoint (of several servers, one in each of
                      replay/0, replay/1 ...), or that of a `LocalReplay`
      manifest.json   size and CRC-32 of each of the above
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from acme_moe import files
from acme_moe.runs import arrays
from acme_moe.runs.state import RunState

_ARRAYS = "state.npz"
_COUNTS = "state.json"
_ACTING_ARRAYS = "acting.npz"
_ACTING = "acting.json"
# Its name in checkpoints of earlier versions.
_COUNTS_BEFORE = "facts.json"


class DamagedCheckpointError(ValueError):
    """A checkpoint does not hold what its manifest says."""


class OtherStateError(ValueError):
    """A checkpoint does not hold the arrays that were looked for."""


@dataclasses.dataclass(frozen=True)
class SavedActing:
    """The state of acting, for a run that is to continue exactly from it.

    Attributes:
      arrays: the state's arrays, by name.
      description: everything else, which can be written as JSON.
    """

    arrays: Mapping[str, np.ndarray]
    description: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
      path: its folder.
      counts: fields of a `RunState`.
    """

    path: Path
    counts: dict[str, Any]

    @property
    def replay_path(self) -> Path | None:
        """Folder of the only replay server's part; None for no server or several."""
        paths = self.replay_paths
        return paths[0] if len(paths) == 1 else None

    @property
    def replay_paths(self) -> list[Path]:
        """The parts of all replay servers, in their order."""
        path = self.path / "replay"
        if not path.is_dir():
            return []
        parts = [part for part in path.iterdir() if part.is_dir()]
        return sorted(parts, key=lambda part: int(part.name)) or [path]

    def load_state(self, template: Any) -> Any:
        """Returns the arrays, in the structure of `template`.

        Raises:
          OtherStateError: if an array is missing or has another shape.
        """
        with np.load(self.path / _ARRAYS, allow_pickle=False) as stored:
            try:
                return arrays.unflatten(template, stored, self.path)
            except ValueError as error:
                raise OtherStateError(str(error)) from error

    def load_acting(self) -> SavedActing | None:
        """Returns the state of acting; None if the checkpoint has none."""
        if not (self.path / _ACTING).exists():
            return None
        with np.load(self.path / _ACTING_ARRAYS, allow_pickle=False) as stored:
            return SavedActing(
                dict(stored), json.loads((self.path / _ACTING).read_text())
            )


def run_state(checkpoint: Checkpoint | None) -> RunState:
    """Returns the counts with which a run goes on from a checkpoint, or begins.

    Args:
      checkpoint: the run's last; None if it has none.

    Raises:
      OtherStateError: if the checkpoint has a count that this version does not know.
    """
    if checkpoint is None:
        return RunState()
    unknown = checkpoint.counts.keys() - {f.name for f in dataclasses.fields(RunState)}
    if unknown:
        raise OtherStateError(
            f"{checkpoint.path}: {_COUNTS} has {', '.join(sorted(unknown))}, which "
            "this version of the library does not know; use the one that wrote it"
        )
    return RunState(**checkpoint.counts)


def write_checkpoint(
    path: Path,
    state: Any,
    counts: dict[str, Any],
    parts: Sequence[Path],
    acting: SavedActing | None,
) -> None:
    """Writes all files of a checkpoint, and waits until they are on the disk.

    Args:
      path: the checkpoint's folder, still under its unfinished name.
      state: nest of numpy arrays.
      counts: fields of a `RunState`.
      parts: folders that the replay servers wrote, in their order; they are moved.
      acting: the state of acting; None to leave it out.
    """
    path.mkdir()
    np.savez(path / _ARRAYS, **arrays.flatten(state))
    (path / _COUNTS).write_text(json.dumps(counts, indent=2) + "\n")
    if acting is not None:
        np.savez(path / _ACTING_ARRAYS, **dict(acting.arrays))
        (path / _ACTING).write_text(json.dumps(acting.description) + "\n")
    if len(parts) > 1:
        (path / "replay").mkdir()
    for i, written in enumerate(parts):
        part = path / "replay" / str(i) if len(parts) > 1 else path / "replay"
        os.replace(written, part)
        for abandoned in written.parent.iterdir():
            # Of a process that died while the server wrote for it.
            shutil.rmtree(abandoned)
    manifest = {
        str(file.relative_to(path)): [file.stat().st_size, _crc(file)]
        for file in contents(path)
    }
    (path / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    for file in contents(path):
        files.sync(file)


def read_checkpoint(path: Path, *, compare_replay: bool) -> Checkpoint:
    """Returns a checkpoint once it has been compared with its manifest.

    Args:
      path: its folder.
      compare_replay: whether to compare the contents of replay's files too, which
        may be gigabytes, or only check that they exist and have the right size.

    Raises:
      DamagedCheckpointError: if it is not what its manifest says.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text())
        for name, (size, crc) in manifest.items():
            file = path / name
            if not file.is_file():
                raise DamagedCheckpointError(f"{path} is damaged: {name} is missing")
            found = file.stat().st_size
            if found != size:
                raise DamagedCheckpointError(
                    f"{path} is damaged: {name} has {found} bytes, not {size}"
                )
            compare = compare_replay or not name.startswith("replay/")
            if compare and _crc(file) != crc:
                raise DamagedCheckpointError(
                    f"{path} is damaged: the contents of {name} have changed"
                )
        name = _COUNTS if (path / _COUNTS).exists() else _COUNTS_BEFORE
        counts = json.loads((path / name).read_text())
        unlisted = {_ARRAYS, name} - manifest.keys()
        if unlisted or not isinstance(counts, dict):
            wrong = unlisted.pop() if unlisted else name
            raise DamagedCheckpointError(f"{path} is damaged: {wrong} was replaced")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, DamagedCheckpointError):
            raise
        raise DamagedCheckpointError(f"{path} is damaged: {error}") from error
    return Checkpoint(path, counts)


def contents(path: Path) -> Iterator[Path]:
    """Returns the files of a checkpoint, in the order of their names."""
    return (file for file in sorted(path.rglob("*")) if file.is_file())


def _crc(file: Path) -> int:
    crc = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc
