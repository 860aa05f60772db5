"""Frames in memory, each held once, compressed a few at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from concurrent.futures import Executor

import numpy as np

# Frames in a block. Larger blocks compress better, as neighbours are alike, but a batch
# has to unpack more frames that it does not need.
BLOCK = 8
# Compression level of zlib. On Atari frames, the memory that higher levels save is not
# worth the time they cost.
_LEVEL = 3


def pack(parts: Iterable[np.ndarray]) -> list[bytes]:
    """Compresses frames in blocks of `BLOCK`, the last one shorter.

    Args:
      parts: each `uint8 [n, height, width]`, not used once the next is asked for.
    """
    blocks: list[bytes] = []
    rest: np.ndarray | None = None
    for part in parts:
        frames = part.copy() if rest is None else np.concatenate([rest, part])
        whole = len(frames) - len(frames) % BLOCK
        for start in range(0, whole, BLOCK):
            blocks.append(_compress(frames[start : start + BLOCK]))
        rest = frames[whole:]
    if rest is not None and len(rest):
        blocks.append(_compress(rest))
    return blocks


def _compress(frames: np.ndarray) -> bytes:
    return zlib.compress(np.ascontiguousarray(frames).data, _LEVEL)


class FrameStore:
    """Reads frames out of packed blocks; frame i is in block `i // BLOCK`."""

    def __init__(self, blocks: list[bytes], shape: tuple[int, int]) -> None:
        """Wraps packed blocks.

        Args:
          blocks: as `pack` makes them; indices continue after a shorter one as if it
            were whole.
          shape: height and width of a frame.
        """
        self._blocks = blocks
        self.shape = shape
        self._frame_bytes = shape[0] * shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of memory: the blocks, their objects, and the list of them."""
        return sum(block.__sizeof__() for block in self._blocks) + (
            8 * len(self._blocks)
        )

    def gather(self, indices: np.ndarray, executor: Executor | None) -> np.ndarray:
        """Returns the frames at `indices`.

        Args:
          indices: indices of frames, int of any shape `[...]`.
          executor: runs the unpacking; None for the calling thread.

        Returns:
          `uint8 [..., height, width]`.
        """
        numbers, block_of = np.unique(indices // BLOCK, return_inverse=True)
        unpacked = np.empty((len(numbers), BLOCK * self._frame_bytes), np.uint8)

        def unpack(i: int) -> None:
            data = zlib.decompress(self._blocks[numbers[i]], bufsize=unpacked.shape[1])
            unpacked[i, : len(data)] = np.frombuffer(data, np.uint8)

        each = range(len(numbers))
        for _ in map(unpack, each) if executor is None else executor.map(unpack, each):
            pass
        frames = unpacked.reshape(-1, *self.shape)
        return frames[block_of.reshape(indices.shape) * BLOCK + indices % BLOCK]
