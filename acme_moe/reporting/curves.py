"""Computes the sample-efficiency curve of a run: its scores over its length."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from acme_moe.reporting.runs import Episode, Run

MEASURES = {
    "ntk_rank": "rank of the tangent kernel",
    "feature_norm": "norm of the features",
    "dormant_share": "share of dormant neurons",
    "authors_entk_srank_0.01": "rank of the tangent kernel of the loss",
    "authors_feature_norm": "norm of the units' variances",
    "authors_dormant_share_0.0": "share of units without variance",
    "dispatch_entropy": "dispatch entropy, nats",
}
"""The columns of `diagnostics.csv` that a report shows, with their axis labels: those
of the definitions `published`, then those of `authors`, then those of a mixture."""

_MAX_POINTS = 100

KINDS = ("evaluation", "training")
"""What scores may be of; see `curve_of`."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """Scores at some points of a run.

    Attributes:
      positions: `[K]`, growing, in the run's unit: frames, or updates if offline.
      hours: `[K]` of wall time; nan where not recorded.
      returns: `[K]` mean returns of whole episodes, rewards not clipped.
      scores: `[K]` the same, human-normalised; nan without reference scores.
      measures: the run's diagnostics, by name: positions `[M]` and values `[M]`.
      folder: folder of the run; None for scores from elsewhere.
      code_versions: of the code that the run was made with; empty if not recorded.
      platforms: JAX, cores and processors that it was made with; the same.
    """

    positions: np.ndarray
    hours: np.ndarray
    returns: np.ndarray
    scores: np.ndarray
    measures: Mapping[str, tuple[np.ndarray, np.ndarray]] = dataclasses.field(
        default_factory=dict
    )
    folder: Path | None = None
    code_versions: Sequence[str] = ()
    platforms: Sequence[str] = ()

    @property
    def normalized(self) -> bool:
        """Whether all scores are known."""
        return not np.isnan(self.scores).any()


def curve_of(run: Run, kind: str) -> Curve | None:
    """Returns the curve of a run.

    Args:
      run: the run.
      kind: `evaluation`, the mean of each evaluation; or `training`, the mean of the
        training episodes that ended in each iteration, the steps between two
        evaluations.

    Returns:
      The curve; None if the run has no such episodes.
    """
    episodes = [episode for episode in run.episodes if episode.kind == kind]
    if not episodes:
        return None
    skip = run.frame_skip
    every = run.config.get("evaluation_every", 1)
    length = run.summary.get("agent_steps", math.inf)

    def position(episode: Episode) -> float:
        if kind == "training":
            # A run's last iteration may be shorter than the others.
            return min(-(-episode.agent_steps // every) * every, length) * skip
        return run.position(episode) * skip

    groups = [(at, list(group)) for at, group in itertools.groupby(episodes, position)]
    return Curve(
        np.array([at for at, _ in groups], float),
        np.array([group[-1].wall_seconds / 3600 for _, group in groups]),
        _means([[e.episode_return for e in group] for _, group in groups]),
        _means([[e.human_normalized_score for e in group] for _, group in groups]),
        _measures(run, skip),
        run.path,
        run.summary.get("code_versions", ()),
        run.summary.get("platforms", ()),
    )


def on_grid(
    curves: Sequence[Curve], axis: str, *, values: str = "scores"
) -> tuple[np.ndarray, np.ndarray] | None:
    """Interpolates curves linearly at common points.

    Args:
      curves: one of each run.
      axis: `positions` or `hours`.
      values: `scores` or `returns`.

    Returns:
      Points `[K]` that lie within every curve, at most 100 and taken evenly from all
      the curves' own, and values `[runs, K]`; None if the curves have fewer than two in
      common, or if the axis of a curve has a nan.
    """
    drawn = [(getattr(curve, axis), getattr(curve, values)) for curve in curves]
    if any(np.isnan(positions).any() for positions, _ in drawn):
        return None
    points, interpolated = interpolate(drawn)
    if len(points) < 2:
        return None
    if len(points) > _MAX_POINTS:
        kept = np.linspace(0, len(points) - 1, _MAX_POINTS).round().astype(int)
        return points[kept], interpolated[:, kept]
    return points, interpolated


def interpolate(
    curves: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolates curves linearly at those of their points that lie within each.

    Args:
      curves: positions `[M]`, growing, and values `[M]` of each.

    Returns:
      Points `[K]` and values `[curves, K]`; K may be 0.
    """
    points = np.unique(np.concatenate([np.empty(0), *(x for x, _ in curves)]))
    for x, _ in curves:
        points = points[(points >= x[0]) & (points <= x[-1])]
    values = [np.interp(points, x, y) for x, y in curves]
    return points, np.array(values).reshape(len(curves), len(points))


def _measures(run: Run, skip: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    columns = run.diagnostics
    at = "learner_steps" if run.unit == "updates" else "agent_steps"
    if not columns.get(at):  # Nothing was measured, or all of it cut off on a resume.
        return {}
    positions = np.array(columns[at]) * skip
    return {
        name: (positions, np.array(columns[name]))
        for name in MEASURES
        if name in columns
    }


def _means(groups: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array([np.mean(group) for group in groups])
