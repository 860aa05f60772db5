"""Computes the numbers of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from acme_moe.reporting import statistics
from acme_moe.reporting.comparison import NONE, Comparison, Line, Panel
from acme_moe.reporting.panels import find_baseline
from acme_moe.reporting.statistics import Interval


class Improvement(NamedTuple):
    """The probability that a run of one line beats one of another."""

    line: Line
    over: Line
    probability: Interval


class Results(NamedTuple):
    """The numbers of each panel.

    Attributes:
      comparison: what they are of.
      aggregates: of each panel, by label and metric.
      improvements: of each panel's lines over their baselines.
    """

    comparison: Comparison
    aggregates: list[dict[str, dict[str, Interval]]]
    improvements: list[list[Improvement]]


def compute(comparison: Comparison, reps: int) -> Results:
    """Computes the numbers of each panel, with `reps` draws of the bootstrap."""
    panels = comparison.panels
    return Results(
        comparison,
        [
            statistics.aggregates(
                panel.final_scores(),
                reps,
                normalized=panel.normalization != NONE,
            )
            for panel in panels
        ],
        [list(_improvements(panel, reps)) for panel in panels],
    )


def _improvements(panel: Panel, reps: int) -> Iterator[Improvement]:
    for line in panel.lines:
        over = _baseline(panel, line)
        if over is not line:
            scores = line.final_scores(panel.games)
            others = over.final_scores(panel.games)
            yield Improvement(line, over, statistics.improvement(scores, others, reps))


def _baseline(panel: Panel, line: Line) -> Line:
    """Returns the baseline at the line's place, or the first line if none is there."""
    lines = [other for other in panel.lines if other.x == line.x]
    lines = [other for other in lines if not other.external] or lines
    return find_baseline(lines) or lines[0]
