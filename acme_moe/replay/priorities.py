"""Writes priorities back to replay."""

from __future__ import annotations

import queue
import threading

import jax
import numpy as np

from acme_moe.replay.interface import ReplayClient
from acme_moe.replay.local import LocalReplay

# Updates whose priorities may be in flight before the learner waits for the server.
_MAX_IN_FLIGHT = 4


class PriorityWriter:
    """Writes priorities to a table from a thread, while the next update is computed.

    Reverb ignores the keys of items that it has dropped in the meantime.
    """

    def __init__(self, client: ReplayClient, table: str) -> None:
        """Starts the thread.

        Args:
          client: of the replay server.
          table: of the items.
        """
        self._client = client
        self._table = table
        self._queue: queue.Queue[tuple[np.ndarray, jax.Array] | None] = queue.Queue(
            _MAX_IN_FLIGHT
        )
        self._error: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(
            target=self._write, name="replay-priorities", daemon=True
        )
        self._thread.start()

    def put(self, keys: np.ndarray, priorities: jax.Array) -> None:
        """Queues a batch; the device may still be computing the priorities.

        Args:
          keys: `uint64 [B]` of the items.
          priorities: `float32 [B]`, their new priorities.

        Raises:
          Exception: whatever writing an earlier batch raised.
        """
        self._raise()
        self._queue.put((keys, priorities))

    def flush(self) -> None:
        """Waits until the server has all priorities.

        Raises:
          Exception: whatever writing a batch raised.
        """
        self._queue.join()
        self._raise()

    def close(self) -> None:
        """Writes what is queued and ends the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while (batch := self._queue.get()) is not None:
            # After an error the rest is discarded, so that nobody waits.
            if self._error is None:
                try:
                    keys, priorities = (np.asarray(x).tolist() for x in batch)
                    updates = dict(zip(keys, priorities, strict=True))
                    self._client.mutate_priorities(self._table, updates)
                except BaseException as error:
                    self._error = error
            self._queue.task_done()
        self._queue.task_done()


class LocalPriorities:
    """Sets priorities of a replay in the process, when the next batch is sampled."""

    def __init__(self, replay: LocalReplay) -> None:
        """Takes the replay."""
        self._replay = replay
        self._batch: tuple[np.ndarray, jax.Array] | None = None

    def put(self, keys: np.ndarray, priorities: jax.Array) -> None:
        """Keeps a batch; the device may still be computing the priorities.

        Args:
          keys: `uint64 [B]` of the items.
          priorities: `float32 [B]`, their new priorities.
        """
        self.flush()
        self._batch = keys, priorities

    def flush(self) -> None:
        """Sets the priorities that were put."""
        if self._batch is not None:
            keys, priorities = self._batch
            self._batch = None
            self._replay.table.set_priorities(keys, np.asarray(priorities))

    def close(self) -> None:
        """Sets the priorities that were put."""
        self.flush()
