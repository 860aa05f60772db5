"""Reverb tables, and the replay ratio as their rate limiter."""

from __future__ import annotations

from typing import Any

import reverb


def make_table(
    name: str,
    signature: Any,
    *,
    max_size: int,
    min_size: int,
    samples_per_insert: float,
    error_buffer: float,
    priority_exponent: float | None = None,
) -> reverb.Table:
    """Makes a table that holds the run to a replay ratio.

    Args:
      name: of the table.
      signature: of its items, as `transition_signature` returns it.
      max_size: items held; the oldest go first.
      min_size: items before the first is sampled.
      samples_per_insert: batch size times replay ratio, times the agent steps for each
        item.
      error_buffer: samples by which either side may run ahead of the ratio before it
        has to wait.
      priority_exponent: items are sampled in proportion to this power of their
        priorities, or uniformly if None.

    Returns:
      The table, with its signature, so that datasets need only its name.
    """
    return reverb.Table(
        name=name,
        sampler=(
            reverb.selectors.Uniform()
            if priority_exponent is None
            else reverb.selectors.Prioritized(priority_exponent)
        ),
        remover=reverb.selectors.Fifo(),
        max_size=max_size,
        rate_limiter=reverb.rate_limiters.SampleToInsertRatio(
            samples_per_insert=samples_per_insert,
            min_size_to_sample=min_size,
            error_buffer=error_buffer,
        ),
        signature=signature,
    )


def without_ratio(table: reverb.Table) -> reverb.Table:
    """Returns the table without its ratio, for a loop that alternates by itself.

    Such a loop keeps the ratio itself and must never wait.
    """
    return table.replace(rate_limiter=reverb.rate_limiters.MinSize(1))
