"""Several replay servers share the samples, and none of them holds the others up."""

import collections

import numpy as np
import pytest
import reverb
import tensorflow as tf

from acme_moe import replay
from acme_moe.replay.servers import trajectories


def table():
    return reverb.Table(
        "t",
        reverb.selectors.Prioritized(1.0),
        reverb.selectors.Fifo(),
        100,
        reverb.rate_limiters.MinSize(1),
        signature=tf.TensorSpec((1,), tf.float32),
    )


@pytest.fixture
def servers():
    servers = [reverb.Server([table()], port=None) for _ in range(3)]
    yield [reverb.Client(f"localhost:{server.port}") for server in servers]
    for server in servers:
        server.stop()


def fill(client, value):
    for _ in range(20):
        client.insert(np.float32(value), {"t": 1.0})


def drawn(client):
    return client.server_info()["t"].rate_limiter_info.sample_stats.completed


def test_all_are_sampled_alike_and_an_empty_one_is_passed_over(servers):
    fill(servers[0], 0)
    samples = trajectories(
        replay.ReplayServers(servers), "t", max_in_flight=4
    ).as_numpy_iterator()
    assert {float(next(samples).data[0]) for _ in range(100)} == {0.0}
    fill(servers[1], 1)
    fill(servers[2], 2)
    # Until what was under way is used up.
    seen = set()
    while seen != {0.0, 1.0, 2.0}:
        seen.add(float(next(samples).data[0]))
    counts = collections.Counter(float(next(samples).data[0]) for _ in range(900))
    assert all(250 < count < 350 for count in counts.values())
    # Few more than were used are drawn.
    assert sum(drawn(client) for client in servers) < 1_000 + 200 + 100 * 3


def test_priorities_find_the_server_of_their_item(servers):
    merged = replay.ReplayServers(servers)
    for value, client in enumerate(servers):
        fill(client, value)
    samples = trajectories(merged, "t", max_in_flight=4).as_numpy_iterator()
    keys = {
        float(s.data[0]): int(s.info.key)
        for s, _ in zip(samples, range(100), strict=False)
    }
    merged.mutate_priorities("t", {keys[1.0]: 1e9, keys[2.0]: 0.0})
    found = next(iter(servers[1].sample("t", 1)))[0].info
    assert (found.key, found.priority) == (keys[1.0], 1e9)
    other = {s[0].info.key for s in servers[2].sample("t", 200)}
    assert keys[2.0] not in other
