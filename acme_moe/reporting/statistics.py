"""Computes aggregates of scores with stratified bootstrap intervals, by rliable.

Agarwal et al. (2021), "Deep Reinforcement Learning at the Edge of the Statistical
Precipice". Scores are `[runs, games]`; runs are drawn anew for each game.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
from rliable import library, metrics

# The distance to the reference's score, so of normalised scores only.
_OF_NORMALIZED = "Optimality gap"

METRICS: dict[str, Callable[[np.ndarray], float]] = {
    "IQM": metrics.aggregate_iqm,
    "Median": metrics.aggregate_median,
    "Mean": metrics.aggregate_mean,
    _OF_NORMALIZED: metrics.aggregate_optimality_gap,
}


class Interval(NamedTuple):
    """A value with its 95 % interval, each a number or an array."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def aggregates(
    scores: Mapping[str, np.ndarray], reps: int, *, normalized: bool = True
) -> dict[str, dict[str, Interval]]:
    """Computes each of `METRICS` for each line.

    Args:
      scores: `[runs, games]` of each line, by its label.
      reps: draws of the bootstrap.
      normalized: whether scores are normalised; plain returns have no optimality gap.

    Returns:
      Intervals of numbers by label and metric.
    """
    chosen = {
        name: metric
        for name, metric in METRICS.items()
        if normalized or name != _OF_NORMALIZED
    }

    def every_metric(values: np.ndarray) -> np.ndarray:
        return np.array([metric(values) for metric in chosen.values()])

    return {
        name: {
            metric: Interval(*(array[i] for array in interval))
            for i, metric in enumerate(chosen)
        }
        for name, interval in _intervals(scores, every_metric, reps).items()
    }


def iqm_over(scores: np.ndarray, reps: int) -> Interval:
    """Computes the IQM at each of K points.

    Args:
      scores: `[runs, games, K]`.
      reps: draws of the bootstrap.

    Returns:
      Interval of arrays `[K]`.
    """

    def iqm(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, values.shape[-1])
        return scipy.stats.trim_mean(flat, proportiontocut=0.25, axis=0)

    return _intervals({"": scores}, iqm, reps)[""]


def profiles(
    scores: Mapping[str, np.ndarray], thresholds: np.ndarray, reps: int
) -> dict[str, Interval]:
    """Computes performance profiles: the share of scores above each threshold.

    Args:
      scores: `[runs, games]` of each line, by its label.
      thresholds: `[K]` scores.
      reps: draws of the bootstrap.

    Returns:
      Intervals of arrays `[K]` by label.
    """

    def shares(values: np.ndarray) -> np.ndarray:
        return (values[..., None] > thresholds).mean(axis=(0, 1))

    return _intervals(scores, shares, reps)


def improvement(x: np.ndarray, y: np.ndarray, reps: int) -> Interval:
    """Computes the probability of improvement of `x` over `y`.

    It is the probability that a run of `x` beats one of `y` on a game, averaged over
    the games; a tie counts as half.

    Args:
      x: scores `[runs, games]`.
      y: scores `[runs, games]` on the same games.
      reps: draws of the bootstrap.
    """

    # The same as rliable's own metric, which tests each game with SciPy and
    # takes a hundred times as long.
    def probability(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = x[:, None], y[None]
        return np.array([np.mean((x > y) + 0.5 * (x == y))])

    interval = _intervals({"": [x, y]}, probability, reps)[""]
    return Interval(*(array[0] for array in interval))


def permutation_test(x: np.ndarray, y: np.ndarray) -> float:
    """Computes the p-value of `improvement` in an exact stratified permutation test.

    It is how likely the probability of improvement would be as far from 0.5 as it is,
    to either side, if on each game the runs of both were drawn from one distribution,
    so that all ways to divide its scores between the two are equally likely.
    With a single game it is the Mann-Whitney test. Unlike an interval of the
    bootstrap, which is too narrow with few runs, it holds for any number of them.

    Args:
      x: scores `[runs, games]`.
      y: scores `[runs, games]` on the same games.
    """
    found, expected = 0, 0
    ways = np.ones(1)
    for game in range(x.shape[1]):
        scores = np.concatenate([x[:, game], y[:, game]])
        # Twice the ranks are integers even where scores are tied.
        ranks = np.rint(2 * scipy.stats.rankdata(scores)).astype(int)
        found += ranks[: len(x)].sum()
        expected += len(x) * (len(ranks) + 1)
        ways = np.convolve(ways, _ways_to_sum(ranks, len(x)))
    distances = np.abs(np.arange(len(ways)) - expected)
    return float(ways[distances >= abs(found - expected)].sum())


def _ways_to_sum(values: np.ndarray, size: int) -> np.ndarray:
    """Computes how likely each sum of `size` values is, drawn without replacement."""
    ways = np.zeros((size + 1, values.sum() + 1))
    ways[0, 0] = 1
    for value in values:
        ways[1:, value:] = ways[1:, value:] + ways[:-1, :-value]
    return ways[size] / ways[size].sum()


def _intervals(
    scores: Mapping[str, Any], function: Callable[..., np.ndarray], reps: int
) -> dict[str, Interval]:
    with _same_draws():
        values, intervals = library.get_interval_estimates(
            dict(scores), function, reps=reps
        )
    return {name: Interval(values[name], *intervals[name]) for name in scores}


@contextlib.contextmanager
def _same_draws() -> Iterator[None]:
    """Fixes the bootstrap's draws, so that reports of the same runs are the same.

    rliable draws from numpy's global state, whatever generator it is given.
    """
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
