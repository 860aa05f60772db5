"""Reverb tables, and the replay ratio as their rate limiter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import tree
from dm_env import specs

from acme_moe.replay.interface import TableSettings

if TYPE_CHECKING:
    # Not needed by a replay in the process, and TensorFlow comes with it.
    import reverb


def make_table(settings: TableSettings) -> reverb.Table:
    """Makes a table that holds the run to a replay ratio.

    Args:
      settings: of the table.

    Returns:
      The table, with its signature, so that datasets need only its name.
    """
    import reverb

    exponent = settings.priority_exponent
    return reverb.Table(
        name=settings.name,
        sampler=(
            reverb.selectors.Uniform()
            if exponent is None
            else reverb.selectors.Prioritized(exponent)
        ),
        remover=reverb.selectors.Fifo(),
        max_size=settings.max_size,
        rate_limiter=reverb.rate_limiters.SampleToInsertRatio(
            samples_per_insert=settings.samples_per_insert,
            min_size_to_sample=settings.min_size,
            error_buffer=settings.error_buffer,
        ),
        signature=to_tensor_specs(settings.signature),
    )


def without_ratio(table: reverb.Table) -> reverb.Table:
    """Returns the table without its ratio, for a loop that alternates by itself.

    Such a loop keeps the ratio itself and must never wait.
    """
    import reverb

    return table.replace(rate_limiter=reverb.rate_limiters.MinSize(1))


def start_server(
    tables: Iterable[reverb.Table],
    *,
    port: int | None = None,
    checkpointer: reverb.checkpointers.CheckpointerBase | None = None,
) -> tuple[reverb.Server, reverb.Client]:
    """Starts a server for a loop that keeps the ratio itself.

    Args:
      tables: the tables that it holds; their ratios are dropped.
      port: to listen on; any free one if None.
      checkpointer: what stores and restores its contents; in a temporary folder
        if None.

    Returns:
      The server, and a client of it in this process.
    """
    import reverb

    server = reverb.Server(
        [without_ratio(table) for table in tables], port, checkpointer
    )
    # 127.0.0.1, as Reverb waits forever for `localhost` where /etc/hosts lacks it.
    return server, reverb.Client(f"127.0.0.1:{server.port}")


def to_tensor_specs(signature: Any) -> Any:
    """Returns a nest of specs as Reverb takes it, of `tf.TensorSpec`."""
    import tensorflow as tf

    return tree.map_structure(
        lambda spec: tf.TensorSpec(spec.shape, spec.dtype, spec.name), signature
    )


def from_tensor_specs(signature: Any) -> Any:
    """Returns a nest of specs, of Reverb's `tf.TensorSpec`."""
    return tree.map_structure(
        lambda spec: specs.Array(
            tuple(spec.shape), np.dtype(spec.dtype.as_numpy_dtype), spec.name
        ),
        signature,
    )
