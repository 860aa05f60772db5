"""The memory that replay takes: measured, or estimated from a checkpoint of it."""

from __future__ import annotations

import zlib
from pathlib import Path

from acme_moe.replay.interface import ReplayClient
from acme_moe.replay.local import LocalReplay

# At most this much of each file is read; its expanded size is scaled to the whole.
_READ_BYTES = 16 << 20
# Taken by the server's own structures, beside the protocol buffers: with 100,000
# transitions of Pong, 1,042 bytes a transition. benchmarks/replay.py measures it.
_OVERHEAD_BYTES = 1_050


def bytes_per_transition(client: ReplayClient, checkpoint: Path) -> float | None:
    """Returns the memory that a transition takes.

    For a replay in the process it is measured. Reverb reports no sizes, but its
    checkpoint has the protocol buffers that it keeps in memory, compressed once more.
    This undoes that compression, and adds the measured size of the structures around
    them.

    Args:
      client: client of the replay.
      checkpoint: the folder that `client.checkpoint` made.

    Returns:
      Bytes; None while there are no transitions, or if the server has gone away.
    """
    try:
        table, *_ = client.server_info().values()
    except RuntimeError:
        # Its checkpoint is whole all the same.
        return None
    if not table.current_size:
        return None
    if isinstance(client, LocalReplay):
        return client.bytes_per_item
    held = sum(
        _expanded_size(checkpoint / name)
        for name in ("chunks.tfrecord", "items.tfrecord")
    )
    return held / table.current_size + _OVERHEAD_BYTES


def _expanded_size(path: Path) -> float:
    stream = zlib.decompressobj()
    read = expanded = 0
    with path.open("rb") as file:
        while read < _READ_BYTES and (block := file.read(1 << 20)):
            read += len(block)
            expanded += len(stream.decompress(block))
    return expanded * path.stat().st_size / read if read else 0.0
