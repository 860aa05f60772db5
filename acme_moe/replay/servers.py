"""Several replay servers, used as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import reverb
import tensorflow as tf
import tree
from absl import logging


class ReplayServers:
    """What a learner asks of a `reverb.Client`, asked of several servers.

    A builder's `make_dataset_iterator` and `make_learner` take it for a client: it
    is sampled from through `trajectories`, and priorities are written through it.
    """

    def __init__(self, clients: Sequence[reverb.Client]) -> None:
        """Keeps the clients, one for each server, at least one."""
        self.clients = tuple(clients)

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities, each on the server that holds the item.

        All servers are told all of them: a server ignores keys that it does not
        have, as it must for items that it has dropped. One that is away is waited
        for; one that goes away meanwhile may miss them.
        """
        for client in self.clients:
            try:
                client.mutate_priorities(table, dict(updates))
            except (reverb.ReverbError, RuntimeError) as error:
                logging.warning("priorities are lost: %s", error)


def trajectories(
    client: reverb.Client | ReplayServers, table: str, *, max_in_flight: int
) -> tf.data.Dataset:
    """Endless items of a table with a signature, one by one.

    Where there are several servers, items are taken from whichever has some, in turn
    where all do: a server that is empty or away holds nobody up.

    Args:
      client: of the server or servers.
      table: to sample from.
      max_in_flight: items under way from one server.

    Returns:
      A dataset of `reverb.ReplaySample`.
    """
    clients = client.clients if isinstance(client, ReplayServers) else (client,)
    signature = clients[0].server_info()[table].signature

    def dataset(address: str | tf.Tensor) -> tf.data.Dataset:
        return reverb.TrajectoryDataset(
            address,
            table,
            dtypes=tree.map_structure(lambda spec: spec.dtype, signature),
            shapes=tree.map_structure(lambda spec: spec.shape, signature),
            max_in_flight_samples_per_worker=max_in_flight,
            num_workers_per_iterator=1,
        )

    addresses = [one.server_address for one in clients]
    if len(addresses) == 1:
        return dataset(addresses[0])
    return tf.data.Dataset.from_tensor_slices(addresses).interleave(
        dataset,
        cycle_length=len(addresses),
        num_parallel_calls=len(addresses),
        deterministic=False,
    )
