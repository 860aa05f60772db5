"""Checkpoints: written beside the last one, checked, and only then trusted.

A checkpoint is a folder named by the run's position, in agent steps, or in updates
where there are none (with `_001` for a second one):

    checkpoints/000000250000/
      state.npz       the learner's `TrainingState`, its arrays by their paths
      state.json      the run's counts, a `RunState`
      acting.npz,     where acting had come to, a `SavedActing`; only of a run whose
      acting.json     replay is seeded
      replay/         Reverb's own checkpoint (of several servers, one in each of
                      replay/0, replay/1 ...), or that of a `LocalReplay`
      manifest.json   size and CRC-32 of each of the above

It is written under another name and renamed when complete, so that a folder with
this name is either whole or was damaged later, which the manifest shows.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from absl import logging

from acme_moe import disk, files
from acme_moe.runs import arrays

if TYPE_CHECKING:
    # Not needed to read a checkpoint, and TensorFlow comes with it.
    import reverb

    from acme_moe.replay.interface import ReplayClient

_ARRAYS = "state.npz"
_COUNTS = "state.json"
_ACTING_ARRAYS = "acting.npz"
_ACTING = "acting.json"
# Its name in checkpoints of earlier versions.
_COUNTS_BEFORE = "facts.json"
# Where replay writes before its checkpoint is moved; never read from.
_SPOOL = ".replay"


class ReplayAwayError(RuntimeError):
    """A replay server did not answer, and no checkpoint was written."""


class DamagedCheckpointError(ValueError):
    """A checkpoint does not hold what its manifest says."""


class OtherStateError(ValueError):
    """A checkpoint does not hold the arrays that were looked for."""


@dataclasses.dataclass(frozen=True)
class SavedActing:
    """Where acting has come to, of a run that is to go on exactly there.

    Attributes:
      arrays: by name.
      description: all else, which can be written as JSON.
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
        """The part of the only server; None where there is none or are several."""
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
        """Returns where acting had come to; None if the checkpoint does not say."""
        if not (self.path / _ACTING).exists():
            return None
        with np.load(self.path / _ACTING_ARRAYS, allow_pickle=False) as stored:
            return SavedActing(
                dict(stored), json.loads((self.path / _ACTING).read_text())
            )


class Checkpoints:
    """The checkpoints of a run."""

    def __init__(self, directory: Path, *, kept: int, owner: bool = True) -> None:
        """Opens the folder, and clears away what an interrupted write left.

        Args:
          directory: made where it is missing.
          kept: how many complete checkpoints stay.
          owner: False for one that only reads, beside the one that writes.
        """
        self._directory = directory
        self._kept = kept
        self._owner = owner
        directory.mkdir(parents=True, exist_ok=True)
        if not owner:
            return
        for name in directory.iterdir():
            if name.name.endswith(files.UNFINISHED):
                shutil.rmtree(name)
        shutil.rmtree(self._spool, ignore_errors=True)

    @property
    def _spool(self) -> Path:
        return self._directory / _SPOOL

    def spool(self, server: int = 0) -> Path:
        """Returns where a replay writes its part, before that is moved."""
        return self._spool / str(server)

    def reverb_checkpointer(
        self,
        restored: Checkpoint | None = None,
        server: int = 0,
        num_servers: int = 1,
    ) -> reverb.checkpointers.CheckpointerBase:
        """Returns what a replay server needs to take part and to start from `restored`.

        Args:
          restored: where its contents come from; it starts empty if that has the parts
            of another number of servers.
          server: its number, from 0.
          num_servers: how many servers there are.
        """
        import reverb

        spool = self.spool(server)
        # What stands there is of a checkpoint that was never finished.
        shutil.rmtree(spool, ignore_errors=True)
        paths = restored.replay_paths if restored else []
        path = str(paths[server]) if len(paths) == num_servers else None
        return reverb.checkpointers.DefaultCheckpointer(
            str(spool), fallback_checkpoint_path=path
        )

    def save(
        self,
        position: int,
        state: Any,
        counts: dict[str, Any],
        replay: Sequence[ReplayClient],
        acting: SavedActing | None = None,
    ) -> Checkpoint:
        """Writes a checkpoint, then drops the oldest beyond those kept.

        Args:
          position: names it.
          state: nest of numpy arrays.
          counts: fields of a `RunState`.
          replay: a client of each server, all made with `reverb_checkpointer`, or a
            replay in the process, made with `spool`; none to leave contents out.
          acting: where acting has come to, if that is to be kept.

        Returns:
          The checkpoint.

        Raises:
          ReplayAwayError: if a server is away.
          DiskError: if there is no room; those before it are as they were.
        """
        final = self._unused(position)
        path = final.with_name(final.name + files.UNFINISHED)
        with disk.writing(self._directory, needed=self._likely_size(state)):
            try:
                # First, for nothing is written if a server is away.
                parts = [Path(_checkpoint(server)) for server in replay]
                shutil.rmtree(path, ignore_errors=True)
                _write(path, state, counts, parts, acting)
                os.replace(path, final)
                _sync(self._directory)
            except Exception:
                # Or a full disk would stay full.
                for left in (path, *self._spool.glob("*/*")):
                    shutil.rmtree(left, ignore_errors=True)
                raise
        for old in self._paths()[: -self._kept]:
            # An earlier part of the run may have come further than this checkpoint.
            if old != final:
                shutil.rmtree(old)
        return Checkpoint(final, counts)

    def _likely_size(self, state: Any) -> int:
        """Returns the bytes of the newest checkpoint, else of the learner's state."""
        for path in reversed(self._paths()):
            return sum(file.stat().st_size for file in _contents(path))
        return sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(state))

    def latest(self, *, compare_replay: bool = True) -> Checkpoint | None:
        """Returns the newest checkpoint that is whole; damaged ones are reported.

        Args:
          compare_replay: see `read_checkpoint`.

        Raises:
          DamagedCheckpointError: if there are checkpoints, and none is whole.
        """
        damaged = {}
        paths = self._paths()
        for path in reversed(paths):
            try:
                checkpoint = read_checkpoint(path, compare_replay=compare_replay)
            except DamagedCheckpointError as error:
                logging.error("%s; looking for the one before it", error)
                damaged[path] = str(error)
                continue
            if self._owner:
                # It would pass for the newest, and others be dropped before it.
                for bad in damaged:
                    if bad.exists():
                        os.replace(bad, bad.with_name(f"{bad.name}.damaged"))
            return checkpoint
        if damaged and self._paths() != paths:
            # Its run has written a new one and dropped what was looked at.
            return self.latest(compare_replay=compare_replay)
        if damaged:
            raise DamagedCheckpointError(
                "no checkpoint of this run is whole: " + "; ".join(damaged.values())
            )
        return None

    def _unused(self, position: int) -> Path:
        """Returns a name of its own, since nothing whole is ever overwritten.

        The same position is saved twice by an interrupt right after a periodic save.
        """
        path = self._directory / f"{position:012d}"
        for again in itertools.count(1):
            if not path.exists():
                break
            path = self._directory / f"{position:012d}_{again:03d}"
        return path

    def _paths(self) -> list[Path]:
        """Returns all but unfinished checkpoints, the oldest first."""
        return sorted(
            path
            for path in self._directory.iterdir()
            if path.name.replace("_", "").isdigit()
        )


def _write(
    path: Path,
    state: Any,
    counts: dict[str, Any],
    parts: Sequence[Path],
    acting: SavedActing | None,
) -> None:
    """Writes all files of a checkpoint; arguments as of `Checkpoints.save`.

    Args:
      path: its folder, under the name of one that is not finished.
      state: nest of numpy arrays.
      counts: fields of a `RunState`.
      parts: what the replay servers wrote, which is moved.
      acting: where acting has come to.
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
        for file in _contents(path)
    }
    (path / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    for file in _contents(path):
        _sync(file)


def _checkpoint(server: ReplayClient) -> str:
    try:
        return server.checkpoint()
    except RuntimeError as error:
        raise ReplayAwayError(str(error)) from error


def read_checkpoint(path: Path, *, compare_replay: bool = True) -> Checkpoint:
    """Returns a checkpoint, after a look at all of it.

    Args:
      path: its folder.
      compare_replay: whether the contents of replay's files are compared, too, which
        may be gigabytes, or only that the files are there and their sizes.

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


def _contents(path: Path) -> Iterator[Path]:
    return (file for file in sorted(path.rglob("*")) if file.is_file())


def _crc(file: Path) -> int:
    crc = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
