"""Computes the numbers of a report."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from acme_moe.reporting import statistics
from acme_moe.reporting.comparison import NONE, Comparison, Line, Panel
from acme_moe.reporting.panels import find_baseline
from acme_moe.reporting.statistics import Interval


class Improvement(NamedTuple):
    """The probability that a run of one line beats one of another.

    Attributes:
      line: the one.
      over: the other.
      probability: the probability.
      p_value: of the hypothesis that the two score alike.
    """

    line: Line
    over: Line
    probability: Interval
    p_value: float


class PanelResults(NamedTuple):
    """Intervals of the aggregate scores of a panel, by line and metric."""

    panel: Panel
    aggregates: dict[str, dict[str, Interval]]


class PanelPairs(NamedTuple):
    """How likely lines of a panel improve on others."""

    panel: Panel
    improvements: list[Improvement]


class Results(NamedTuple):
    """The aggregates of a comparison, panel by panel."""

    comparison: Comparison
    panels: list[PanelResults]


def compute(comparison: Comparison, reps: int) -> Results:
    """Computes the aggregates of each panel, with `reps` draws of the bootstrap."""
    panels = []
    for panel in comparison.panels:
        normalized = panel.normalization != NONE
        scores = panel.final_scores()
        aggregates = statistics.aggregates(scores, reps, normalized=normalized)
        panels.append(PanelResults(panel, aggregates))
    return Results(comparison, panels)


def over_baselines(comparison: Comparison, reps: int) -> list[PanelPairs]:
    """Computes how likely the lines of each panel improve on their baselines."""
    return [
        _compare(panel, _over_baselines(panel), reps) for panel in comparison.panels
    ]


def other_pairs(comparison: Comparison, reps: int) -> list[PanelPairs]:
    """Computes the pairs without a baseline.

    Each is of a line over an earlier one, with the same `x` in a scaling study.
    """
    return [_compare(panel, _other_pairs(panel), reps) for panel in comparison.panels]


def _compare(panel: Panel, pairs: Iterable[tuple[Line, Line]], reps: int) -> PanelPairs:
    return PanelPairs(panel, [_improvement(panel, *pair, reps) for pair in pairs])


def _improvement(panel: Panel, line: Line, over: Line, reps: int) -> Improvement:
    scores, others = (x.final_scores(panel.games) for x in (line, over))
    probability = statistics.improvement(scores, others, reps)
    p_value = statistics.permutation_test(scores, others)
    return Improvement(line, over, probability, p_value)


def _over_baselines(panel: Panel) -> Iterator[tuple[Line, Line]]:
    for line in panel.lines:
        over = _baseline(panel, line)
        if over is not line:
            yield line, over


def _other_pairs(panel: Panel) -> Iterator[tuple[Line, Line]]:
    for over, line in itertools.combinations(panel.lines, 2):
        if line.x == over.x and not (
            over is _baseline(panel, line) or line is _baseline(panel, over)
        ):
            yield line, over


def _baseline(panel: Panel, line: Line) -> Line:
    """Returns the baseline at the line's place, or the first line if none is there."""
    lines = [other for other in panel.lines if other.x == line.x]
    return find_baseline(lines) or lines[0]
