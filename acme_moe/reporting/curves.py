"""The scores of one run over its length."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from acme_moe.environments import AtariConfig
from acme_moe.reporting.runs import Episode, Run

MEASURES = {
    "ntk_rank": "rank of the tangent kernel",
    "feature_norm": "norm of the features",
    "dormant_share": "share of dormant neurons",
    "authors_entk_srank_0.01": "rank of the tangent kernel of the loss",
    "authors_feature_norm": "norm of the units' variances",
    "authors_dormant_share_0.0": "share of units without variance",
}
"""Columns of a run's diagnostics that a report shows, and what they are: of the
definitions `published`, then of `authors`."""

KINDS = ("evaluation", "training")


@dataclasses.dataclass(frozen=True)
class Curve:
    """Scores at some points of a run.

    Attributes:
      positions: `[K]`, growing; frames, or updates of a run on fixed data.
      hours: `[K]` of wall time, nan where they were not noted.
      returns: `[K]` mean returns of whole games, rewards not clipped.
      scores: `[K]` the same, human-normalised.
      measures: what the run measured of its network, by name: positions `[M]` and
        values `[M]`.
    """

    positions: np.ndarray
    hours: np.ndarray
    returns: np.ndarray
    scores: np.ndarray
    measures: Mapping[str, tuple[np.ndarray, np.ndarray]] = dataclasses.field(
        default_factory=dict
    )


def curve_of(run: Run, kind: str) -> Curve | None:
    """A run's curve.

    Args:
      run: whose.
      kind: `evaluation`, the mean of each evaluation; or `training`, the mean of the
        training games that ended in each iteration, which is as long as the time
        between two evaluations.

    Returns:
      The curve; None if the run has no such games.
    """
    episodes = [episode for episode in run.episodes if episode.kind == kind]
    if not episodes:
        return None
    offline = is_offline(run)
    environment = run.config.get("environment", {})
    skip = environment.get("frame_skip", AtariConfig.frame_skip)
    every = run.config.get("evaluation_every", 1)
    length = run.summary.get("agent_steps", math.inf)

    def position(episode: Episode) -> float:
        if kind == "training":
            # A run's last iteration may be shorter than the others.
            return min(-(-episode.agent_steps // every) * every, length) * skip
        return episode.learner_steps if offline else episode.agent_steps * skip

    groups = [(at, list(group)) for at, group in itertools.groupby(episodes, position)]
    return Curve(
        np.array([at for at, _ in groups], float),
        np.array([group[-1].wall_seconds / 3600 for _, group in groups]),
        _means([[e.episode_return for e in group] for _, group in groups]),
        _means([[e.human_normalized_score for e in group] for _, group in groups]),
        _measures(run, skip),
    )


def is_offline(run: Run) -> bool:
    """Whether a run learnt from fixed data, so that its length is in updates."""
    return "num_iterations" in run.config or "dataset" in run.config


def on_grid(
    curves: Sequence[Curve], axis: str, max_points: int = 100
) -> tuple[np.ndarray, np.ndarray] | None:
    """Curves at common points, interpolated between their own.

    Args:
      curves: of the runs.
      axis: `positions` or `hours`.
      max_points: at most so many of the points that any curve has.

    Returns:
      Points `[K]` that lie within every curve, and scores `[runs, K]`; None if the
      curves have fewer than two in common.
    """
    axes = [getattr(curve, axis) for curve in curves]
    if any(np.isnan(values).any() for values in axes):
        return None
    low = max(values[0] for values in axes)
    high = min(values[-1] for values in axes)
    points = np.unique(np.concatenate([*axes, [low, high]]))
    points = points[(points >= low) & (points <= high)]
    if len(points) < 2:
        return None
    if len(points) > max_points:
        points = points[np.linspace(0, len(points) - 1, max_points).round().astype(int)]
    return points, np.stack(
        [
            np.interp(points, values, curve.scores)
            for values, curve in zip(axes, curves, strict=True)
        ]
    )


def _measures(run: Run, skip: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    columns = run.diagnostics
    at = "learner_steps" if is_offline(run) else "actor_steps"
    if at not in columns:
        return {}
    positions = np.array(columns[at]) * (1 if is_offline(run) else skip)
    return {
        name: (positions, np.array(columns[name]))
        for name in MEASURES
        if name in columns
    }


def _means(groups: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array([np.mean(group) for group in groups])
