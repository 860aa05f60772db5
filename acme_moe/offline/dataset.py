"""A share of a fixed set of transitions, uniformly sampled and held in memory."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from acme_moe.learning import Transition
from acme_moe.offline import reader
from acme_moe.offline.config import DatasetConfig
from acme_moe.offline.draws import Draw, make_generator
from acme_moe.offline.frame_store import BLOCK, FrameStore, pack
from acme_moe.offline.reader import DatasetError
from acme_moe.offline.transitions import (
    RowTransitions,
    TransitionSettings,
    make_transitions,
    needed_rows,
    valid_rows,
)


class OfflineDataset:
    """Transitions in memory, with each frame that they need held once.

    Attributes:
      files: numbers of the files that the transitions come from.
      total: number of transitions that those files hold altogether.
      open_seconds: time that reading the files took.
    """

    def __init__(
        self,
        frames: FrameStore,
        transitions: RowTransitions,
        stack: int,
        *,
        files: Sequence[int],
        total: int,
        open_seconds: float,
    ) -> None:
        """Wraps what `load_dataset` made; its rows are indices into `frames`."""
        self._frames = frames
        self._transitions = transitions._replace(
            first=transitions.first.astype(np.int32)
        )
        self._stack = stack
        self.files = tuple(files)
        self.total = total
        self.open_seconds = open_seconds

    def __len__(self) -> int:
        return len(self._transitions.first)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the transitions take."""
        return self._frames.nbytes + sum(array.nbytes for array in self._transitions)

    def gather(
        self, indices: np.ndarray, executor: Executor | None = None
    ) -> Transition:
        """Returns transitions by their indices, laid out as `acme_moe.replay` does.

        Args:
          indices: `int [B]`, each in `[0, len(self))`.
          executor: runs the unpacking of frames; None for the calling thread.

        Returns:
          Arrays on the host; observations are frames `uint8 [B, stack, height, width]`.
        """
        first, offset, action, reward, discount = (
            x[indices] for x in self._transitions
        )
        stack = np.arange(self._stack)
        both = np.stack([first, first + offset], 1)[:, :, None] + stack
        frames = self._frames.gather(both, executor)
        return Transition(frames[:, 0], action, reward, discount, frames[:, 1])


class _File(NamedTuple):
    """A share of one file, or of all; `first` is an index of frames in `blocks`."""

    transitions: RowTransitions
    blocks: list[bytes]


def load_dataset(
    config: DatasetConfig,
    settings: TransitionSettings,
    *,
    frame_shape: tuple[int, int],
    num_actions: int,
) -> OfflineDataset:
    """Reads a set and keeps a share of it.

    Exactly `round(fraction * total)` transitions are kept, each subset of that size
    with the same probability. Every file is read to its end and checked, a few
    megabytes at a time, however little of it is kept.

    Args:
      config: the set and the share.
      settings: how transitions are made.
      frame_shape: height and width of the environment's frames.
      num_actions: number of the environment's actions.

    Raises:
      DatasetError: names the setting that is missing, or the file that is missing,
        damaged, or of another game.
    """
    started = time.perf_counter()
    if not config.path:
        raise DatasetError(
            "dataset.path: is missing; the folder of one game and run of the DQN "
            "Replay Dataset, or of what --config.record wrote"
        )
    numbers = reader.list_files(config.path, config.num_files)
    count = functools.partial(_count, config.path, settings, frame_shape, num_actions)
    load = functools.partial(_load_file, config, settings)
    with ThreadPoolExecutor(config.workers) as executor:
        counts = list(executor.map(count, numbers))
        total = sum(counts)
        kept = round(config.fraction * total)
        if not kept:
            raise DatasetError(
                f"{config.path}: has {total} transitions, of which a share of "
                f"{config.fraction} is none"
            )
        rng = make_generator(Draw.SHARES, config.seed)
        # How many to keep from each file, as if sampled from all files at once.
        shares = rng.multivariate_hypergeometric(counts, kept, method="marginals")
        transitions, blocks = _join(list(executor.map(load, numbers, shares)))
    return OfflineDataset(
        FrameStore(blocks, frame_shape),
        transitions,
        settings.stack,
        files=numbers,
        total=total,
        open_seconds=time.perf_counter() - started,
    )


def _count(
    path: str,
    settings: TransitionSettings,
    frame_shape: tuple[int, int],
    num_actions: int,
    number: int,
) -> int:
    """Returns how many transitions a file has, if it is of the environment's game."""
    shape = reader.read_frame_header(path, number).shape
    if shape != frame_shape:
        raise DatasetError(
            f"{path}, file {number}: has frames of {list(shape)}; the environment's "
            f"are {list(frame_shape)}"
        )
    columns = reader.read_columns(path, number)
    rows = valid_rows(columns, settings)
    actions = columns.action[rows]
    foreign = actions[(actions < 0) | (actions >= num_actions)]
    if len(foreign):
        raise DatasetError(
            f"{path}, file {number}: has an action {foreign[0]}; the environment's are "
            f"0 to {num_actions - 1}, so this is another game"
        )
    return len(rows)


def _load_file(
    config: DatasetConfig, settings: TransitionSettings, number: int, share: int
) -> _File:
    columns = reader.read_columns(config.path, number)
    rng = make_generator(Draw.ROWS, config.seed, number)
    rows = valid_rows(columns, settings)
    rows = np.sort(rng.choice(rows, share, replace=False, shuffle=False))
    transitions = make_transitions(columns, settings, rows)
    needed = needed_rows(transitions, settings.stack, len(columns.last))

    def wanted() -> Iterator[np.ndarray]:
        for start, part in reader.read_frames(config.path, number):
            low, high = np.searchsorted(needed, [start, start + len(part)])
            if high > low:
                yield part[needed[low:high] - start]

    first = np.searchsorted(needed, transitions.first)
    return _File(transitions._replace(first=first), pack(wanted()))


def _join(parts: Sequence[_File]) -> _File:
    """Joins the transitions and blocks of several files, as if they were one file."""
    blocks: list[bytes] = []
    shifted = []
    for part in parts:
        # A file's last block may be shorter; the next file starts a new one.
        first = part.transitions.first + BLOCK * len(blocks)
        shifted.append(part.transitions._replace(first=first))
        blocks.extend(part.blocks)
    columns = zip(*shifted, strict=True)
    return _File(RowTransitions(*map(np.concatenate, columns)), blocks)
