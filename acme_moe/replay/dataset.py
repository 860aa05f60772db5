"""From a Reverb table to batches that are on the device when they are asked for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import reverb
import tensorflow as tf

from acme_moe.learning.types import Sample, Transition
from acme_moe.replay.servers import ReplayServers, trajectories


def make_sample_iterator(
    client: reverb.Client | ReplayServers,
    *,
    table: str,
    batch_size: int,
    batch_type: Callable[..., Any] = Transition,
    device: jax.Device | None = None,
) -> Iterator[Sample]:
    """Endless batches from a table with a signature.

    At most two batches are under way, so that what is sampled is hardly older than
    what is trained on.

    Args:
      client: of the replay server, or of several.
      table: to sample from.
      batch_size: items a batch.
      batch_type: named tuple of the table's signature.
      device: where the data go; JAX's default device if None.

    Yields:
      Samples with the data on the device and the keys on the host.
    """
    # One thread decompresses about seven thousand 84x84 stacks a second, and more
    # of them would take the cores from whatever else runs in the process.
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    # There is nothing to tune, and the tuner's thread can keep the iterator's end
    # waiting for a minute.
    options.autotune.enabled = False
    dataset = trajectories(client, table, max_in_flight=batch_size)
    dataset = dataset.batch(batch_size, drop_remainder=True).with_options(options)
    for item in dataset.as_numpy_iterator():
        batch, probabilities = jax.device_put(
            (batch_type(*item.data), item.info.probability.astype(np.float32)), device
        )
        yield Sample(item.info.key, probabilities, batch)


class Prefetcher(Iterator[Sample]):
    """Fetches the next batch in a thread while the present one is trained on.

    Unlike `acme.jax.utils.prefetch` it can be closed before the interpreter ends.
    """

    def __init__(self, samples: Iterator[Sample], buffer_size: int = 1) -> None:
        """Keeps the source; the first batch asked for starts the fetching.

        Not before, or the first batches were drawn from a replay that has hardly
        anything in it.

        Args:
          samples: where batches come from; used from the thread alone.
          buffer_size: batches kept ready.
        """
        self._samples = samples
        self._buffer: queue.Queue[Sample | BaseException] = queue.Queue(buffer_size)
        self._closed = threading.Event()
        self._started = False
        self._thread = threading.Thread(
            target=self._fetch, name="replay-prefetch", daemon=True
        )

    def _fetch(self) -> None:
        try:
            for sample in self._samples:
                if not self._put(sample):
                    return
            self._put(StopIteration())
        except BaseException as error:
            self._put(error)

    def _put(self, item: Sample | BaseException) -> bool:
        while not self._closed.is_set():
            try:
                self._buffer.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def __next__(self) -> Sample:
        """The next batch; waits where there is none yet.

        Raises:
          StopIteration: once the source has ended, or this is closed.
          Exception: whatever the source raised, here and not in the thread.
        """
        if not self._started:
            self._started = True
            self._thread.start()
        item = self._get()
        if isinstance(item, BaseException):
            raise item
        return item

    def _get(self) -> Sample | BaseException:
        while True:
            try:
                return self._buffer.get(timeout=0.1)
            except queue.Empty:
                if self._closed.is_set():
                    return StopIteration()

    def close(self, timeout: float | None = 10.0) -> None:
        """Stops the thread; call it after the source can no longer block."""
        self._closed.set()
        if self._started:
            self._thread.join(timeout)
