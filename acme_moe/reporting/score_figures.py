"""Draws the figures of scores at the runs' ends: scaling, aggregates, profiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acme_moe.reporting import statistics, style
from acme_moe.reporting.comparison import NONE, Comparison, Line
from acme_moe.reporting.results import PanelPairs, Results
from acme_moe.reporting.statistics import METRICS, Interval
from acme_moe.reporting.style import Look

# Distance between two series at one place, where places are 1 apart.
_ASIDE = 0.06


def scaling(result: Results) -> Figure:
    """Draws final scores over experts, replay ratio or the like (figures 1, 4, 5)."""
    comparison = result.comparison
    looks = style.looks(comparison)
    figure, (axes,) = style.new_figure(len(result.panels))
    for ax, (panel, values) in zip(axes, result.panels, strict=True):
        xs = sorted({line.x for line in panel.lines if line.x is not None})
        all_series = list(dict.fromkeys(line.series for line in panel.lines))
        for number, series in enumerate(all_series):
            at: dict[int, Interval] = {}
            for line in panel.lines:
                if line.series != series:
                    continue
                interval = values[line.label]["IQM"]
                if line.x is None:
                    _level(ax, line, interval, looks[series])
                else:
                    # Evenly spaced: what varies usually doubles from one to the next.
                    at[xs.index(line.x)] = interval
            if not at:
                continue
            # Side by side, so that no error bar hides another.
            aside = _ASIDE * (number - (len(all_series) - 1) / 2)
            places = [i + aside for i in sorted(at)]
            ordered = [at[i] for i in sorted(at)]
            _error_bars(ax, places, ordered, series, looks[series])
        ax.set_xticks(range(len(xs)), [f"{x:g}" for x in xs])
        label = style.iqm_label(panel, comparison.kind)
        style.label_axes(ax, panel, comparison.x_label, label)
    style.legend(figure, axes)
    return figure


def aggregates(result: Results) -> Figure:
    """Draws IQM, median, mean and optimality gap of each line, a row a panel."""
    looks = style.looks(result.comparison)
    most = max(len(found.panel.lines) for found in result.panels)
    figure, rows = style.new_figure(
        len(METRICS), len(result.panels), size=(3.2, 1.2 + 0.22 * most)
    )
    for axes, (panel, values) in zip(rows, result.panels, strict=True):
        for ax, metric in zip(axes, METRICS, strict=True):
            if metric not in values[panel.lines[0].label]:
                ax.set_visible(False)
                continue
            for row, line in enumerate(panel.lines):
                _bar(ax, row, values[line.label][metric], looks[line.series])
            labels = [line.label for line in panel.lines] if ax is axes[0] else []
            ax.set_yticks(range(len(panel.lines)), labels or [""] * len(panel.lines))
            ax.set_ylim(len(panel.lines) - 0.5, -0.5)
            ax.grid(axis="x", alpha=0.3)
            title = f"{panel.title}\n{metric}" if ax is axes[0] else metric
            ax.set_title(title, fontsize="small")
    return figure


def profiles(comparison: Comparison, reps: int) -> Figure:
    """Draws performance profiles: the share of runs above each score."""
    looks = style.looks(comparison)
    figure, (axes,) = style.new_figure(len(comparison.panels))
    for ax, panel in zip(axes, comparison.panels, strict=True):
        scores = panel.final_scores()
        everything = np.concatenate([values.ravel() for values in scores.values()])
        top = float(np.quantile(everything, 0.95))
        if panel.normalization != NONE:
            top = max(1.0, top)
        thresholds = np.linspace(min(0.0, float(everything.min())), top, 101)
        shares = statistics.profiles(scores, thresholds, reps)
        for line in panel.lines:
            look = looks[line.series]
            style.draw_band(ax, thresholds, shares[line.label], line, panel, look)
        ax.set_ylim(-0.02, 1.02)
        score = f"{panel.score_name} τ, {comparison.kind}"
        style.label_axes(ax, panel, score, "share of runs above τ")
    style.legend(figure, axes)
    return figure


def improvements(
    comparison: Comparison, over_baselines: Sequence[PanelPairs]
) -> Figure | None:
    """Draws the probability of improvement of each line over its baseline."""
    most = max(len(found.improvements) for found in over_baselines)
    if not most:
        return None
    looks = style.looks(comparison)
    figure, (axes,) = style.new_figure(
        len(over_baselines), size=(5.2, 1.4 + 0.3 * most)
    )
    for ax, (panel, pairs) in zip(axes, over_baselines, strict=True):
        for row, pair in enumerate(pairs):
            _bar(ax, row, pair.probability, looks[pair.line.series])
        names = [f"{pair.line.label}\n> {pair.over.label}" for pair in pairs]
        ax.set_yticks(range(len(pairs)), names, fontsize="x-small")
        ax.set_ylim(max(1, len(pairs)) - 0.5, -0.5)
        ax.axvline(0.5, color="0.5", linestyle=":")
        ax.set_xlim(-0.02, 1.02)
        style.label_axes(ax, panel, "probability of improvement", "")
    return figure


def _bar(ax: Axes, row: int, interval: Interval, look: Look) -> None:
    """Draws an interval as a horizontal bar, with a mark at its value."""
    ends = [interval.low, interval.high]
    ax.plot(ends, [row, row], color=look.color, linewidth=6, alpha=0.4)
    ax.plot(interval.value, row, look.marker, color=look.color)


def _error_bars(
    ax: Axes, x: list[float], intervals: list[Interval], series: str, look: Look
) -> None:
    values, low, high = np.array(intervals).T
    # The percentile interval of very few runs need not contain the value.
    spread = np.maximum([values - low, high - values], 0)
    ax.errorbar(
        x,
        values,
        spread,
        color=look.color,
        marker=look.marker,
        capsize=3,
        label=series,
    )


def _level(ax: Axes, line: Line, interval: Interval, look: Look) -> None:
    ax.axhline(
        float(interval.value),
        color=look.color,
        linestyle=style.line_style(line),
        label=line.label,
    )
    ends = float(interval.low), float(interval.high)
    ax.axhspan(*ends, color=look.color, alpha=0.1, lw=0)
