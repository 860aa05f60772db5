"""A run's checkpoints, each written beside the previous one.

A checkpoint counts only once it is complete: it is written under another name and then
renamed, so that a folder with a checkpoint's name is either whole or was damaged later,
which its manifest shows (`acme_moe.runs.checkpoint`).
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from absl import logging

from acme_moe import disk, files
from acme_moe.runs.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    SavedActing,
    contents,
    read_checkpoint,
    write_checkpoint,
)

if TYPE_CHECKING:
    # Not needed to read a checkpoint, and TensorFlow comes with it.
    import reverb

    from acme_moe.replay.interface import ReplayClient

# Where replay writes before its checkpoint is moved; never read from.
_SPOOL = ".replay"


class ReplayAwayError(RuntimeError):
    """A replay server did not answer, and no checkpoint was written."""


class Checkpoints:
    """The checkpoints of a run."""

    def __init__(self, directory: Path, *, kept: int | None = None) -> None:
        """Opens the folder, and clears away what an interrupted write left.

        Args:
          directory: made where it is missing.
          kept: how many complete checkpoints are kept; None to read only, while
            another process may write.
        """
        self._directory = directory
        self._kept = kept
        with disk.writing(directory):
            directory.mkdir(parents=True, exist_ok=True)
        if kept is None:
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
        restored: Checkpoint | None,
        server: int = 0,
        num_servers: int = 1,
    ) -> reverb.checkpointers.CheckpointerBase:
        """Returns the checkpointer of a replay server, which starts from `restored`.

        Args:
          restored: the checkpoint with its contents; the server starts empty without
            one, or if it was written with another number of servers.
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
          position: the run's position, which names the checkpoint.
          state: nest of numpy arrays.
          counts: fields of a `RunState`.
          replay: a client of each server, all started with `reverb_checkpointer`, or
            the replay in the process, made with `spool`; empty to leave replay out.
          acting: the state of acting, if it is to be kept.

        Returns:
          The checkpoint.

        Raises:
          ReplayAwayError: if a server does not answer.
          DiskError: if it cannot be written; earlier checkpoints are left as they are.
        """
        assert self._kept is not None
        final = self._unused(f"{position:012d}")
        path = final.with_name(final.name + files.UNFINISHED)
        with disk.writing(self._directory, needed=self._likely_size(state)):
            try:
                # First, for nothing is written if a server is away.
                parts = [Path(_checkpoint(server)) for server in replay]
                shutil.rmtree(path, ignore_errors=True)
                write_checkpoint(path, state, counts, parts, acting)
                os.replace(path, final)
                files.sync(self._directory)
            except Exception:
                # Or a full disk would stay full.
                for left in (path, *self._spool.glob("*/*")):
                    shutil.rmtree(left, ignore_errors=True)
                raise
        for old in self._paths()[: -self._kept]:
            # An earlier part of the run may have come further than this checkpoint.
            if old != final:
                # What cannot be removed now is tried again after the next one.
                shutil.rmtree(old, onerror=_warn_of)
        return Checkpoint(final, counts)

    def _likely_size(self, state: Any) -> int:
        """Returns the bytes of the newest checkpoint, else of the learner's state."""
        for path in reversed(self._paths()):
            return sum(file.stat().st_size for file in contents(path))
        return sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(state))

    def latest(self, *, compare_replay: bool = True) -> Checkpoint | None:
        """Returns the newest checkpoint that is whole; None if there are none at all.

        Damaged ones that are newer are logged, and renamed by who may write.

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
            if self._kept is not None:
                # Else they would count as the newest, and whole ones be dropped first.
                for bad in damaged:
                    if bad.exists():
                        os.replace(bad, self._unused(f"{bad.name}.damaged"))
            return checkpoint
        if damaged and self._paths() != paths:
            # Meanwhile the run has written a new one and dropped those read here.
            return self.latest(compare_replay=compare_replay)
        if damaged:
            raise DamagedCheckpointError(
                "no checkpoint of this run is whole: " + "; ".join(damaged.values())
            )
        return None

    def _unused(self, name: str) -> Path:
        """Returns a path of its own, since nothing is ever overwritten.

        The same position is saved twice by an interrupt right after a periodic save.
        """
        path = self._directory / name
        for again in itertools.count(1):
            if not path.exists():
                break
            path = self._directory / f"{name}_{again:03d}"
        return path

    def _paths(self) -> list[Path]:
        """Returns all checkpoints but unfinished and renamed ones, oldest first."""
        return sorted(
            path
            for path in self._directory.iterdir()
            if path.name.replace("_", "").isdigit()
        )


def _warn_of(function: Any, path: str, error: Any) -> None:
    del function
    logging.warning("%s could not be removed: %s", path, error[1])


def _checkpoint(server: ReplayClient) -> str:
    try:
        return server.checkpoint()
    except RuntimeError as error:
        raise ReplayAwayError(str(error)) from error
