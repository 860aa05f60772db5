"""Estimates the memory that replay takes, from a checkpoint of it."""

from __future__ import annotations

import zlib
from pathlib import Path

# At most this much of each file is read; its expanded size is scaled to the whole.
_READ_BYTES = 16 << 20
# Taken by the server's own structures, beside the protocol buffers: with 100,000
# transitions of Pong, 1,042 bytes a transition. benchmarks/replay.py measures it.
_OVERHEAD_BYTES = 1_050


def bytes_per_transition(checkpoint: Path, transitions: int) -> float:
    """Estimates the memory that the server takes for a transition.

    Reverb reports no sizes. Its checkpoint has the protocol buffers that it keeps in
    memory, compressed once more; this undoes that, and adds the measured size of the
    structures around them.

    Args:
      checkpoint: the folder that `reverb.Client.checkpoint` made.
      transitions: number of transitions in it, at least 1.

    Returns:
      Bytes.
    """
    held = sum(
        _expanded_size(checkpoint / name)
        for name in ("chunks.tfrecord", "items.tfrecord")
    )
    return held / transitions + _OVERHEAD_BYTES


def _expanded_size(path: Path) -> float:
    stream = zlib.decompressobj()
    read = expanded = 0
    with path.open("rb") as file:
        while read < _READ_BYTES and (block := file.read(1 << 20)):
            read += len(block)
            expanded += len(stream.decompress(block))
    return expanded * path.stat().st_size / read if read else 0.0
