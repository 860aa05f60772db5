"""Batches on the device, sampled from replay."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import tree

from acme_moe.learning.types import Sample, Transition
from acme_moe.replay.interface import SampledItems
from acme_moe.replay.local import LocalReplay

# Arrays of fewer bytes go to the device through a compiled identity, all in one call:
# jax.device_put takes 35 microseconds for each. Larger ones would be copied twice.
_SMALL_BYTES = 1 << 16
_put_small = jax.jit(lambda arrays: arrays)


def make_sampler(client: Any, table: str) -> tuple[Callable[[int], SampledItems], Any]:
    """Makes a sampler of a table with a signature.

    Args:
      client: a `LocalReplay`, a `reverb.Client`, or `ReplayServers`. The server, or the
        first of several, is waited for.
      table: name of the table to sample from.

    Returns:
      A function that samples a number of items, and the table's signature, whose
      leaves are the items' columns.
    """
    if isinstance(client, LocalReplay):
        return client.table.sample, client.table.settings.signature
    from acme_moe.replay.servers import make_server_sampler

    return make_server_sampler(client, table)


def transfer(arrays: list[np.ndarray]) -> list[Any]:
    """Puts arrays on JAX's default device."""
    is_small = [array.nbytes < _SMALL_BYTES for array in arrays]
    sized = list(zip(arrays, is_small, strict=True))
    small = iter(_put_small([array for array, is_small in sized if is_small]))
    large = iter(jax.device_put([array for array, is_small in sized if not is_small]))
    return [next(small if is_small else large) for _, is_small in sized]


def make_sample_iterator(
    client: Any,
    *,
    table: str,
    batch_size: int,
    batch_type: Callable[..., Any] = Transition,
) -> Iterator[Sample]:
    """Yields batches from a table with a signature, endlessly.

    A batch is sampled when it is asked for and no earlier, from what replay holds then.

    Args:
      client: client of replay; see `make_sampler`.
      table: name of the table to sample from.
      batch_size: items in a batch.
      batch_type: type of the named tuple in the table's signature.

    Yields:
      Samples with the data on JAX's default device and the keys on the host.
    """
    sample_items, signature = make_sampler(client, table)
    while True:
        items = sample_items(batch_size)
        *columns, probabilities = transfer(
            [*items.columns, items.probabilities.astype(np.float32)]
        )
        data = tree.unflatten_as(signature, columns)
        yield Sample(items.keys, probabilities, batch_type(*data))


class Prefetcher(Iterator[Sample]):
    """Fetches the next batch in a thread while the present one is trained on.

    The thread begins a batch as soon as the buffer has space for it, which is when the
    one before is taken: with a buffer of one, a batch is sampled one update ahead of
    its use, from the items and priorities that replay holds then.

    Unlike `acme.jax.utils.prefetch` it can be closed before the interpreter ends.
    """

    def __init__(self, samples: Iterator[Sample], buffer_size: int = 1) -> None:
        """Makes a prefetcher that starts to fetch at the first call.

        If it started earlier, the first batches would be sampled from an almost empty
        replay.

        Args:
          samples: source of the batches; used by the thread alone.
          buffer_size: batches that are ready or being fetched.
        """
        self._samples = samples
        self._free_slots = threading.Semaphore(buffer_size)
        self._ready: queue.SimpleQueue[Sample | BaseException] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._started = False
        self._thread = threading.Thread(
            target=self._fetch, name="replay-prefetch", daemon=True
        )

    def _fetch(self) -> None:
        try:
            while True:
                self._free_slots.acquire()
                if self._closed.is_set():
                    return
                self._ready.put(next(self._samples))
        except BaseException as error:
            self._ready.put(error)

    def __next__(self) -> Sample:
        """Returns the next batch; waits until there is one.

        Raises:
          StopIteration: once the source has ended, or this is closed.
          Exception: whatever the source raised in the thread.
        """
        if not self._started:
            self._started = True
            self._thread.start()
        item = self._get()
        if isinstance(item, BaseException):
            self._ready.put(item)  # There is nothing else to come.
            raise item
        self._free_slots.release()
        return item

    def _get(self) -> Sample | BaseException:
        while True:
            try:
                return self._ready.get(timeout=0.1)
            except queue.Empty:
                if self._closed.is_set():
                    return StopIteration()

    def close(self, timeout: float | None = 10.0) -> None:
        """Stops the thread; call it after the source can no longer block."""
        self._closed.set()
        self._free_slots.release()
        if self._started:
            self._thread.join(timeout)
