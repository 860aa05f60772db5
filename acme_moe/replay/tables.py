"""Reverb tables, and the replay ratio as their rate limiter."""

from __future__ import annotations

import reverb
from acme import specs

from acme_moe.replay.adder import transition_signature


def make_table(
    name: str,
    environment_spec: specs.EnvironmentSpec,
    *,
    max_size: int,
    min_size: int,
    samples_per_insert: float,
    error_buffer: float,
    prioritized: bool = False,
) -> reverb.Table:
    """A table of transitions that holds the run to a replay ratio.

    Args:
      name: of the table.
      environment_spec: of the environment whose transitions it will hold.
      max_size: transitions held; the oldest go first.
      min_size: transitions before the first is sampled.
      samples_per_insert: batch size times replay ratio.
      error_buffer: how many samples either side may run ahead of the ratio before
        it has to wait.
      prioritized: whether items are sampled in proportion to their priorities, or
        uniformly.

    Returns:
      The table, with a signature, so that datasets need nothing but its name.
    """
    return reverb.Table(
        name=name,
        # Exponent 1: priorities are roots of losses already, and are used as they are.
        sampler=(
            reverb.selectors.Prioritized(1.0)
            if prioritized
            else reverb.selectors.Uniform()
        ),
        remover=reverb.selectors.Fifo(),
        max_size=max_size,
        rate_limiter=reverb.rate_limiters.SampleToInsertRatio(
            samples_per_insert=samples_per_insert,
            min_size_to_sample=min_size,
            error_buffer=error_buffer,
        ),
        signature=transition_signature(environment_spec),
    )


def without_ratio(table: reverb.Table) -> reverb.Table:
    """The same table for a loop that alternates by itself and must never wait."""
    return table.replace(rate_limiter=reverb.rate_limiters.MinSize(1))
