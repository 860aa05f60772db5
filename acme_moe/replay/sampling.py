"""Makes samplers of a replay, whichever kind of replay it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acme_moe.replay.interface import SampledItems
from acme_moe.replay.local import LocalReplay


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
