"""Several replay servers, used as one."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import reverb
from absl import logging

from acme_moe.replay.interface import SampledItems
from acme_moe.replay.reverb_sampler import TableSampler
from acme_moe.replay.tables import from_tensor_specs

# Seconds after which a server counts as unreachable, until it responds.
_TIMEOUT = 1.0
# Seconds after which a server's mass is out of date.
_MAX_AGE = 1.0
# Seconds between two attempts if all servers are unreachable or empty.
_RETRY_PERIOD = 0.01

Request = TypeVar("Request")
Response = TypeVar("Response")


class _ServerThread(Generic[Request, Response]):
    """A thread for the calls to one server, as any of them may block.

    Attributes:
      busy: whether a call is in flight.
    """

    def __init__(self, call: Callable[[Request], Response]) -> None:
        self.busy = False
        self._call = call
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._responses: queue.SimpleQueue[Response | BaseException]
        self._responses = queue.SimpleQueue()
        threading.Thread(target=self._work, name="replay-server", daemon=True).start()

    def _work(self) -> None:
        while True:
            request = self._requests.get()
            try:
                self._responses.put(self._call(request))
            except BaseException as error:
                self._responses.put(error)

    def send(self, request: Request) -> None:
        """Begins a call; none may be in flight."""
        self.busy = True
        self._requests.put(request)

    def receive(self, timeout: float) -> Response | None:
        """Returns the response to the call in flight, None if none comes in time."""
        try:
            response = self._responses.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            return None
        self.busy = False
        if isinstance(response, BaseException):
            raise response
        return response


def _call_all(
    requests: Mapping[_ServerThread[Request, Response], Request],
) -> dict[_ServerThread[Request, Response], Response]:
    """Calls all servers at once; returns the responses that come in time."""
    for server, request in requests.items():
        server.send(request)
    deadline = time.monotonic() + _TIMEOUT
    responses = {
        server: server.receive(deadline - time.monotonic()) for server in requests
    }
    return {server: x for server, x in responses.items() if x is not None}


class ProportionalSampler:
    """Samples from several servers as if one held all of their items.

    The number of items from each server is sampled from a multinomial distribution
    over the servers' shares of the mass (see `SampledItems.mass`). Every response
    carries its server's mass, so a batch is sampled with the shares of the batch
    before. A server that has returned no item for a second is asked for one, which is
    discarded, so that shares are at most a second out of date.

    A server that is empty, unreachable or slow is waited for once, for a second, and
    then left out until it responds. Its late response goes into the batch that is being
    sampled by then, and makes up for the server's share of the batch that lacked it.
    """

    def __init__(self, samplers: Sequence[Callable[[int], SampledItems]]) -> None:
        """Starts a thread for each server.

        Args:
          samplers: one for each server; their calls may block.
        """
        self._servers = [_ServerThread(sampler) for sampler in samplers]
        self._masses = dict.fromkeys(self._servers, 0.0)
        self._updated_at = dict.fromkeys(self._servers, -np.inf)
        self._late: dict[_ServerThread[int, SampledItems], SampledItems] = {}
        self._rng = np.random.default_rng()

    def __call__(self, size: int) -> SampledItems:
        """Samples `size` items, in random order; waits while no server has any.

        Returns:
          The items, with their probabilities among those of all servers.
        """
        samples: list[SampledItems] = []
        missing = size
        while missing:
            available = self._available()
            if not available:
                time.sleep(_RETRY_PERIOD)
                continue
            masses = np.array([self._masses[server] for server in available])
            shares = dict(zip(available, masses / masses.sum(), strict=True))
            for server in self._late.keys() & shares.keys():
                items = _first(self._late.pop(server), missing)
                samples.append(_scaled(items, shares[server]))
                missing -= len(items.keys)
            counts = self._rng.multinomial(missing, list(shares.values())).tolist()
            sizes = dict(zip(available, counts, strict=True))
            sampled = self._sample({server: n for server, n in sizes.items() if n})
            for server, items in sampled.items():
                samples.append(_scaled(items, shares[server]))
                missing -= len(items.keys)
        return self._concatenate(samples)

    def _available(self) -> list[_ServerThread[int, SampledItems]]:
        """Returns the servers whose mass is known and up to date."""
        for server in self._servers:
            if server.busy and (late := server.receive(0.0)) is not None:
                self._update_mass(server, late)
                self._late[server] = late
        oldest = time.monotonic() - _MAX_AGE
        self._sample(
            {
                server: 1
                for server in self._servers
                if not server.busy and self._updated_at[server] <= oldest
            }
        )
        return [server for server in self._servers if not server.busy]

    def _sample(
        self, sizes: Mapping[_ServerThread[int, SampledItems], int]
    ) -> dict[_ServerThread[int, SampledItems], SampledItems]:
        sampled = _call_all(sizes)
        for server, items in sampled.items():
            self._update_mass(server, items)
        return sampled

    def _update_mass(
        self, server: _ServerThread[int, SampledItems], items: SampledItems
    ) -> None:
        self._masses[server] = items.mass
        self._updated_at[server] = time.monotonic()

    def _concatenate(self, samples: Sequence[SampledItems]) -> SampledItems:
        """Joins samples, in random order, as a batch may be cut into several."""
        keys = np.concatenate([sample.keys for sample in samples])
        order = self._rng.permutation(len(keys))
        probabilities = np.concatenate([sample.probabilities for sample in samples])
        return SampledItems(
            keys[order],
            probabilities[order],
            [
                np.concatenate(columns)[order]
                for columns in zip(*(sample.columns for sample in samples), strict=True)
            ],
            sum(self._masses[server] for server in self._servers if not server.busy),
        )


def _first(items: SampledItems, size: int) -> SampledItems:
    """Returns the first `size` items, or all if there are fewer."""
    return items._replace(
        keys=items.keys[:size],
        probabilities=items.probabilities[:size],
        columns=[column[:size] for column in items.columns],
    )


def _scaled(items: SampledItems, share: float) -> SampledItems:
    """Returns items with their probabilities among those of all servers."""
    return items._replace(probabilities=share * items.probabilities)


class ReplayServers:
    """Stands in for a learner's `reverb.Client` where there are several servers.

    A builder's `make_dataset_iterator` and `make_learner` take it for a client: it
    is sampled from through `make_sampler`, and priorities are written through it. Each
    server has a table of its share of the size, which limits no rate: one that kept the
    replay ratio would wait for a warm-up of its own. The loop around them keeps both.
    """

    def __init__(self, clients: Sequence[reverb.Client]) -> None:
        """Starts a thread for each server.

        Args:
          clients: one for each server, at least one.
        """
        self.clients = tuple(clients)
        self._servers = [
            _ServerThread(functools.partial(_set_priorities, client))
            for client in self.clients
        ]

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities, each on the server that holds the item.

        All updates are sent to all servers: a server ignores keys that it does not
        have, as it must for items that it has dropped. An unreachable server is waited
        for once, for a second, and then left out; it never gets these updates.
        """
        for server in self._servers:
            if server.busy:
                server.receive(0.0)
        _call_all({x: (table, dict(updates)) for x in self._servers if not x.busy})
        unreachable = sum(server.busy for server in self._servers)
        if unreachable:
            logging.log_every_n_seconds(
                logging.WARNING,
                "priorities are lost: %d replay servers unreachable",
                10,
                unreachable,
            )


def _set_priorities(
    client: reverb.Client, request: tuple[str, dict[int, float]]
) -> bool:
    try:
        client.mutate_priorities(*request)
    except (reverb.ReverbError, RuntimeError) as error:
        logging.warning("priorities are lost: %s", error)
    return True


def make_server_sampler(
    client: reverb.Client | ReplayServers, table: str
) -> tuple[Callable[[int], SampledItems], Any]:
    """Makes a sampler of servers; see `acme_moe.replay.dataset.make_sampler`."""
    clients = client.clients if isinstance(client, ReplayServers) else (client,)
    info = clients[0].server_info()[table]
    signature = from_tensor_specs(info.signature)
    samplers = [TableSampler(one, info) for one in clients]
    if len(samplers) == 1:
        return samplers[0], signature
    return ProportionalSampler(samplers), signature
