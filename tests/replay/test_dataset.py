"""How far ahead of their use batches are sampled."""

import threading

import jax
import numpy as np
import pytest
import reverb
import tensorflow as tf

from acme_moe import replay
from acme_moe.replay.dataset import transfer
from acme_moe.replay.priorities import PriorityWriter

BATCH = 8


class Source:
    """A source whose batches are the number of the version that it has just then."""

    def __init__(self):
        self.version = 0
        self.sampled = 0
        self._changed = threading.Condition()

    def __iter__(self):
        return self

    def __next__(self):
        with self._changed:
            self.sampled += 1
            self._changed.notify_all()
            return self.version

    def wait(self, sampled, timeout):
        with self._changed:
            return self._changed.wait_for(lambda: self.sampled >= sampled, timeout)


@pytest.mark.parametrize("buffer_size", [1, 2])
def test_a_batch_is_sampled_when_the_buffer_has_space(buffer_size):
    source = Source()
    prefetcher = replay.Prefetcher(source, buffer_size)
    assert source.sampled == 0
    used = []
    for update in range(4):
        used.append(next(prefetcher))
        ahead = update + 1 + buffer_size
        assert source.wait(ahead, timeout=10)
        # The version changes only after all that is fetched ahead has been sampled.
        assert not source.wait(ahead + 1, timeout=0.05)
        source.version += 1
    # With room for one, a batch is of what was there an update before its use.
    assert used == [max(0, update - buffer_size) for update in range(4)]
    prefetcher.close()
    assert len(list(prefetcher)) == buffer_size


def test_what_ends_the_source_is_raised_where_batches_are_used():
    prefetcher = replay.Prefetcher(iter([1, 2]))
    assert list(prefetcher) == [1, 2]
    assert list(prefetcher) == []
    prefetcher.close()

    def broken():
        yield 1
        raise ConnectionError("gone")

    prefetcher = replay.Prefetcher(broken())
    assert next(prefetcher) == 1
    with pytest.raises(ConnectionError, match="gone"):
        next(prefetcher)
    prefetcher.close()


def test_close_ends_a_thread_that_waits_for_room():
    source = Source()
    prefetcher = replay.Prefetcher(source)
    next(prefetcher)
    assert source.wait(2, timeout=10)
    prefetcher.close()
    assert not prefetcher._thread.is_alive()
    # Closing one that never began is no error.
    replay.Prefetcher(source).close()


def test_arrays_of_any_size_arrive_in_their_order():
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, size, np.uint8) for size in (3, 1 << 17, 1, 1 << 16, 0)
    ]
    arrays.insert(2, np.float32(1.5))
    found = transfer(arrays)
    for x, y in zip(found, arrays, strict=True):
        assert isinstance(x, jax.Array)
        # Not put on a device by name, so it follows what is computed with it.
        assert not x.committed
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.fixture
def client():
    table = reverb.Table(
        "t",
        reverb.selectors.Prioritized(1.0),
        reverb.selectors.Fifo(),
        100,
        reverb.rate_limiters.MinSize(1),
        signature=(tf.TensorSpec((), tf.float32),),
    )
    server = reverb.Server([table], port=None)
    client = reverb.Client(f"localhost:{server.port}")
    with client.trajectory_writer(1) as writer:
        for i in range(30):
            writer.append(np.float32(i))
            writer.create_item("t", 1.0, (writer.history[-1],))
    yield client
    server.stop()


def samples(client):
    return replay.make_sample_iterator(
        client, table="t", batch_size=BATCH, batch_type=lambda x: x
    )


def num_sampled(client):
    return client.server_info()["t"].rate_limiter_info.sample_stats.completed


def test_nothing_is_sampled_before_it_is_asked_for(client):
    batches = samples(client)
    for number in range(1, 5):
        next(batches)
        assert num_sampled(client) == number * BATCH


def test_priorities_of_all_updates_but_the_running_one_reach_the_next_sample(client):
    """As the learner does it: flush, take the next batch, put its priorities.

    Each update leaves a single item that can be sampled.
    """
    batches = samples(client)
    keys = {}
    while len(keys) < 30:
        batch = next(batches)
        keys.update(
            zip(np.asarray(batch.transitions).tolist(), batch.keys, strict=True)
        )
    every = np.array([keys[float(i)] for i in range(30)], np.uint64)
    writer = PriorityWriter(client, "t")

    def leave_only(item):
        writer.put(every, np.eye(30, dtype=np.float32)[item])

    prefetcher = replay.Prefetcher(batches)
    leave_only(0)
    for update in range(1, 30):
        writer.flush()
        sample = next(prefetcher)
        values = set(np.asarray(sample.transitions).tolist())
        # Drawn after the update before the last was known, or the last one.
        assert values <= {max(0, update - 2), update - 1}
        leave_only(update)
    writer.close()
    prefetcher.close()
