"""Priorities on their way back to replay, while the next update is computed."""

from __future__ import annotations

import queue
import threading

import jax
import numpy as np
import reverb

# Updates whose priorities may be under way before the learner waits for the server.
_MOST_WAITING = 4


class PriorityWriter:
    """Sends priorities to a table from a thread of its own.

    Reverb ignores the keys of items that it has dropped meanwhile.
    """

    def __init__(self, client: reverb.Client, table: str) -> None:
        """Starts the thread.

        Args:
          client: of the replay server.
          table: whose items they are.
        """
        self._client = client
        self._table = table
        self._queue: queue.Queue[tuple[np.ndarray, jax.Array] | None] = queue.Queue(
            _MOST_WAITING
        )
        self._error: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(
            target=self._write, name="replay-priorities", daemon=True
        )
        self._thread.start()

    def put(self, keys: np.ndarray, priorities: jax.Array) -> None:
        """Hands over a batch; the priorities may still be under way on the device.

        Args:
          keys: `uint64 [B]` of the items.
          priorities: `float32 [B]`, their new priorities.

        Raises:
          Exception: whatever writing an earlier batch raised.
        """
        self._raise()
        self._queue.put((keys, priorities))

    def flush(self) -> None:
        """Waits until the server has all of them.

        Raises:
          Exception: whatever writing a batch raised.
        """
        self._queue.join()
        self._raise()

    def close(self) -> None:
        """Writes what is under way and ends the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while (batch := self._queue.get()) is not None:
            # After an error the rest is taken and dropped, so that nobody waits.
            if self._error is None:
                try:
                    keys, priorities = batch
                    self._client.mutate_priorities(
                        self._table,
                        dict(
                            zip(
                                keys.tolist(),
                                np.asarray(priorities).tolist(),
                                strict=True,
                            )
                        ),
                    )
                except BaseException as error:
                    self._error = error
            self._queue.task_done()
        self._queue.task_done()
