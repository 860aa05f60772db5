"""Batches on the device, sampled from a fixed dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from acme_moe.learning import Sample
from acme_moe.offline.dataset import OfflineDataset
from acme_moe.offline.draws import Draw, make_generator


def make_sample_iterator(
    dataset: OfflineDataset,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    workers: int = 1,
) -> Iterator[Sample]:
    """Yields batches endlessly, uniformly sampled with replacement.

    Each batch depends only on the seed and its number, so a run that resumes from its
    checkpoint gets the batches that it would have got without a stop.

    Args:
      dataset: the dataset to sample from.
      batch_size: transitions in a batch.
      seed: seed of the samples.
      start: number of the first batch.
      workers: threads that unpack frames.

    Yields:
      Samples as `acme_moe.replay.make_sample_iterator` yields them.
    """
    probabilities = np.full(batch_size, 1 / len(dataset), np.float32)
    with ThreadPoolExecutor(workers) as executor:
        for number in itertools.count(start):
            rng = make_generator(Draw.BATCH, seed, number)
            indices = rng.integers(len(dataset), size=batch_size)
            transitions, weights = jax.device_put(
                (
                    dataset.gather(indices, executor if workers > 1 else None),
                    probabilities,
                )
            )
            yield Sample(indices.astype(np.uint64), weights, transitions)
