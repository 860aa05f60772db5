"""Several replay servers are sampled from as if one held all of their items."""

import collections
import math

import numpy as np
import pytest
import reverb
import tensorflow as tf

from acme_moe import replay
from acme_moe.replay import servers as servers_lib
from acme_moe.replay.dataset import make_sampler
from acme_moe.replay.interface import SampledItems


def table(priority_exponent=None, max_size=10_000):
    prioritized = reverb.selectors.Prioritized(priority_exponent or 1.0)
    return reverb.Table(
        "t",
        reverb.selectors.Uniform() if priority_exponent is None else prioritized,
        reverb.selectors.Fifo(),
        max_size,
        reverb.rate_limiters.MinSize(1),
        signature=tf.TensorSpec((), tf.float32),
    )


class Servers:
    """Servers that can be stopped, and started again with nothing in them."""

    def __init__(self, *exponents):
        self._exponents = exponents
        self._servers = [reverb.Server([table(e)], port=None) for e in exponents]
        self.ports = [server.port for server in self._servers]
        self.clients = [reverb.Client(f"localhost:{port}") for port in self.ports]

    def start(self, i):
        self._servers[i] = reverb.Server(
            [table(self._exponents[i])], port=self.ports[i]
        )

    def stop(self, *which):
        for i in which or range(len(self._servers)):
            self._servers[i].stop()


@pytest.fixture
def start():
    started = []

    def start(*exponents):
        started.append(Servers(*exponents))
        return started[-1]

    yield start
    for servers in started:
        servers.stop()


def fill(client, values, priorities=(1.0,)):
    """Writes values, and priorities in turn."""
    writer = client.trajectory_writer(1)
    for i, value in enumerate(values):
        writer.append(np.float32(value))
        priority = priorities[i % len(priorities)]
        writer.create_item("t", priority, writer.history[-1])
        writer.flush(50)
    writer.flush()
    writer.close()


def sample_many(sampler, batches, size=50):
    """Returns how often each value was sampled, and with which probability."""
    counts, probabilities = collections.Counter(), {}
    for _ in range(batches):
        items = sampler(size)
        assert items.keys.shape == items.probabilities.shape == (size,)
        values = items.columns[0].tolist()
        counts.update(values)
        probabilities.update(zip(values, items.probabilities.tolist(), strict=True))
    return counts, probabilities


def within_the_sampling_error(count, samples, share, sigmas=5):
    return abs(count - share * samples) < sigmas * math.sqrt(
        samples * share * (1 - share)
    )


def num_sampled(client):
    return client.server_info()["t"].rate_limiter_info.sample_stats.completed


def test_each_is_sampled_in_proportion_to_what_it_holds(start):
    servers = start(None, None)
    fill(servers.clients[0], range(5_000))
    fill(servers.clients[1], range(5_000, 5_020))
    sampler, _ = make_sampler(replay.ReplayServers(servers.clients), "t")
    counts, probabilities = sample_many(sampler, batches=400)
    few = sum(n for value, n in counts.items() if value >= 5_000)
    assert within_the_sampling_error(few, 20_000, 20 / 5_020)
    # And each item of either server with the same probability.
    np.testing.assert_allclose(list(probabilities.values()), 1 / 5_020, rtol=1e-9)
    # Beyond what was asked for, each server gives only an item now and then.
    assert 20_000 <= sum(num_sampled(client) for client in servers.clients) < 20_100


@pytest.mark.parametrize("exponent", [1.0, 0.6])
def test_prioritised_servers_are_one_table(start, exponent):
    servers = start(exponent, exponent, exponent)
    priorities = [(1.0, 2.0, 3.0), (9.0, 0.5), (4.0,)]
    numbers = [range(30), range(30, 40), range(40, 41)]
    for client, values, of_values in zip(
        servers.clients, numbers, priorities, strict=True
    ):
        fill(client, values, of_values)
    weights = {
        value: of_values[i % len(of_values)] ** exponent
        for values, of_values in zip(numbers, priorities, strict=True)
        for i, value in enumerate(values)
    }
    total = sum(weights.values())
    sampler, _ = make_sampler(replay.ReplayServers(servers.clients), "t")
    counts, probabilities = sample_many(sampler, batches=200)
    assert probabilities == pytest.approx(
        {value: weight / total for value, weight in weights.items()}, rel=1e-9
    )
    assert sum(probabilities.values()) == pytest.approx(1.0)
    for values in numbers:
        share = sum(weights[value] for value in values) / total
        count = sum(counts[value] for value in values)
        assert within_the_sampling_error(count, 10_000, share)


def test_new_priorities_move_the_shares(start):
    servers = start(1.0, 1.0)
    merged = replay.ReplayServers(servers.clients)
    for number, client in enumerate(servers.clients):
        fill(client, [number])
    sampler, _ = make_sampler(merged, "t")
    items = sampler(50)
    keys = dict(zip(items.columns[0].tolist(), items.keys.tolist(), strict=True))
    merged.mutate_priorities("t", {keys[0.0]: 3.0})
    # The sample that carries the new mass comes first.
    sampler(50)
    _, probabilities = sample_many(sampler, batches=1)
    assert probabilities == pytest.approx({0.0: 0.75, 1.0: 0.25})
    # Where all priorities are zero Reverb samples uniformly, and so do several.
    merged.mutate_priorities("t", {keys[0.0]: 0.0, keys[1.0]: 0.0})
    sampler(50)
    _, probabilities = sample_many(sampler, batches=1)
    assert probabilities == pytest.approx({0.0: 0.5, 1.0: 0.5})


def test_servers_that_are_always_late_fill_batches_all_the_same(monkeypatch):
    calls = 0

    def late(requests):
        """Sends the requests, and gives up just before all responses are there."""
        nonlocal calls
        calls += 1
        assert calls < 100, "no batch is ever full"
        for server, request in requests.items():
            server.send(request)
        for server in requests:
            response = server._responses.get(timeout=60)
            server._responses.put(response)
        return {}

    def sampler_of(number):
        def sample(size):
            keys = np.full(size, number)
            return SampledItems(keys, np.full(size, 0.01), [keys], 100.0)

        return sample

    monkeypatch.setattr(servers_lib, "_call_all", late)
    sampler = servers_lib.ProportionalSampler([sampler_of(0), sampler_of(1)])
    for _ in range(10):
        items = sampler(10)
        assert len(items.keys) == len(items.columns[0]) == 10
        assert set(items.probabilities) <= {0.01, 0.005}


def test_a_batch_that_is_cut_into_several_is_not_cut_by_server(start):
    servers = start(None, None)
    for number, client in enumerate(servers.clients):
        fill(client, [number])
    sampler, _ = make_sampler(replay.ReplayServers(servers.clients), "t")
    first_half = sampler(1_000).columns[0][:500].sum()
    assert within_the_sampling_error(first_half, 500, 0.5)


def test_empty_or_unreachable_servers_hold_nobody_up_and_return_with_their_share(
    start, monkeypatch
):
    monkeypatch.setattr(servers_lib, "_TIMEOUT", 0.1)
    monkeypatch.setattr(servers_lib, "_MAX_AGE", 0.0)
    servers = start(None, None)
    merged = replay.ReplayServers(servers.clients)
    fill(servers.clients[0], range(100))
    sampler, _ = make_sampler(merged, "t")
    counts, probabilities = sample_many(sampler, batches=10)
    assert sum(counts.values()) == 500
    assert set(probabilities.values()) == {0.01}

    def sample_until_both_are_available(size):
        # A server may answer a request from when it had its first item only; that
        # answer goes into the next batch.
        sampler(size)
        while len(sampler._available()) < 2:
            sampler(size)

    fill(servers.clients[1], range(100, 200))
    sample_until_both_are_available(50)
    _, probabilities = sample_many(sampler, batches=10)
    assert set(probabilities.values()) == {0.005}

    servers.stop(1)
    counts, probabilities = sample_many(sampler, batches=10)
    assert sum(counts.values()) == 500
    assert max(counts) < 100
    assert set(probabilities.values()) == {0.01}
    # Nor does it hold up those who write priorities back.
    for _ in range(10):
        merged.mutate_priorities("t", {1: 1.0})

    # It comes back empty, and gets no more than its share of the samples.
    servers.start(1)
    sample_many(sampler, batches=10)
    fill(servers.clients[1], range(100, 105))
    sample_until_both_are_available(50)
    counts, probabilities = sample_many(sampler, batches=100)
    few = sum(n for value, n in counts.items() if value >= 100)
    assert within_the_sampling_error(few, 5_000, 5 / 105)
    np.testing.assert_allclose(list(probabilities.values()), 1 / 105)


def test_priorities_find_the_server_of_their_item(start):
    servers = start(1.0, 1.0, 1.0)
    merged = replay.ReplayServers(servers.clients)
    for value, client in enumerate(servers.clients):
        fill(client, [value] * 20)
    sampler, _ = make_sampler(merged, "t")
    items = sampler(100)
    keys = dict(zip(items.columns[0].tolist(), items.keys.tolist(), strict=True))
    merged.mutate_priorities("t", {keys[1.0]: 1e9, keys[2.0]: 0.0})
    found = next(iter(servers.clients[1].sample("t", 1, emit_timesteps=False))).info
    assert (found.key, found.priority) == (keys[1.0], 1e9)
    other = {
        sample.info.key
        for sample in servers.clients[2].sample("t", 200, emit_timesteps=False)
    }
    assert keys[2.0] not in other


def test_an_error_that_is_no_absence_is_raised(start):
    servers = start(None, None)
    sampler, _ = make_sampler(replay.ReplayServers(servers.clients), "t")
    for server in sampler._servers:
        server._call._table = "none such"
    with pytest.raises(RuntimeError, match="none such"):
        sampler(2)
