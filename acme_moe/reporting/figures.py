"""The figures of a report; each gives a `Figure`, or None where there is nothing."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acme_moe.reporting import statistics, style
from acme_moe.reporting.collect import Collection
from acme_moe.reporting.comparison import Line, Panel
from acme_moe.reporting.curves import MEASURES
from acme_moe.reporting.results import Improvement
from acme_moe.reporting.statistics import METRICS, Interval

_GAMES_IN_A_ROW = 5
# Between two series at one place, in places.
_ASIDE = 0.06


def scaling(
    collection: Collection, aggregates: list[dict[str, dict[str, Interval]]]
) -> Figure:
    """Final scores over experts, replay ratio or what else varies (figures 1, 4, 5).

    Args:
      collection: of form `scaling`.
      aggregates: of each panel, by the lines' labels.
    """
    figure, (axes,) = style.new_figure(len(collection.panels))
    for ax, panel, values in zip(axes, collection.panels, aggregates, strict=True):
        xs = sorted({line.x for line in panel.lines if line.x is not None})
        all_series = list(dict.fromkeys(line.series for line in panel.lines))
        for number, series in enumerate(all_series):
            lines = [line for line in panel.lines if line.series == series]
            intervals = [values[line.label]["IQM"] for line in lines]
            if lines[0].x is None:
                _level(ax, lines[0], intervals[0])
                continue
            # Evenly spaced, since what varies is doubled from one to the next.
            at = {
                xs.index(line.x): interval
                for line, interval in zip(lines, intervals, strict=True)
                if line.x is not None
            }
            # Side by side, or the bars of one series hide those of another.
            aside = _ASIDE * (number - (len(all_series) - 1) / 2)
            places = [i + aside for i in sorted(at)]
            _error_bars(ax, places, [at[i] for i in sorted(at)], series)
        ax.set_xticks(range(len(xs)), [f"{x:g}" for x in xs])
        _describe(ax, panel, collection.x_label, _score_label(collection))
    style.legend(figure, axes)
    return figure


def over_length(collection: Collection, reps: int) -> Figure | None:
    """Scores over frames or updates: how soon a line learns (figures 6 to 18)."""
    return _over(collection, "positions", reps)


def over_wall_time(collection: Collection, reps: int) -> Figure | None:
    """Scores over hours of wall time (figure 19)."""
    return _over(collection, "hours", reps)


def games(collection: Collection) -> Figure:
    """Mean returns of each game over the run's length (figures 10, 14, 15).

    A band spans the runs' least and greatest returns.
    """
    rows = [
        (panel, panel.games[i : i + _GAMES_IN_A_ROW])
        for panel in collection.panels
        for i in range(0, len(panel.games), _GAMES_IN_A_ROW)
    ]
    columns = max(len(names) for _, names in rows)
    figure, grid = style.new_figure(columns, len(rows), size=(3.2, 2.6))
    drawn = []
    for (panel, names), axes in zip(rows, grid, strict=True):
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax, game in zip(axes, names, strict=False):
            for line in panel.lines:
                _draw_game(ax, line, game, panel)
            ax.set_title(f"{panel.name}: {game}", fontsize="small")
            ax.set_xlabel(_length_label(panel.unit))
            ax.set_ylabel(f"{collection.kind} return")
            drawn.append(ax)
    style.legend(figure, drawn)
    return figure


def diagnostics(collection: Collection) -> Figure | None:
    """Returns beside what the runs measured of their networks (figure 10).

    A row a game; a column a measure that any run has; bands span the runs' least and
    greatest values.
    """
    rows = [(panel, game) for panel in collection.panels for game in panel.games]
    lines = [line for panel in collection.panels for line in panel.lines]
    measured = {
        name
        for line in lines
        for curves in line.curves.values()
        for curve in curves.values()
        for name in curve.measures
    }
    if not measured:
        return None
    measures: list[tuple[str | None, str]] = [
        (None, "return"),
        *((name, label) for name, label in MEASURES.items() if name in measured),
    ]
    figure, axes = style.new_figure(len(measures), len(rows), size=(3.4, 2.6))
    for (panel, game), row in zip(rows, axes, strict=True):
        for ax, (measure, label) in zip(row, measures, strict=True):
            for line in panel.lines:
                _draw_game(ax, line, game, panel, measure)
            ax.set_title(f"{panel.name}: {game}", fontsize="small")
            ax.set_xlabel(_length_label(panel.unit))
            ax.set_ylabel(label)
    style.legend(figure, axes[0])
    return figure


def aggregates(
    collection: Collection, values: list[dict[str, dict[str, Interval]]]
) -> Figure:
    """IQM, median, mean and optimality gap of every line, a row a panel."""
    most = max(len(panel.lines) for panel in collection.panels)
    figure, rows = style.new_figure(
        len(METRICS), len(collection.panels), size=(3.2, 1.2 + 0.22 * most)
    )
    for panel, axes, of_panel in zip(collection.panels, rows, values, strict=True):
        for ax, metric in zip(axes, METRICS, strict=True):
            for row, line in enumerate(panel.lines):
                interval = of_panel[line.label][metric]
                ax.plot(
                    [interval.low, interval.high],
                    [row, row],
                    color=style.color(line.series),
                    linewidth=6,
                    alpha=0.4,
                )
                ax.plot(
                    interval.value,
                    row,
                    style.marker(line.series),
                    color=style.color(line.series),
                )
            labels = [line.label for line in panel.lines] if ax is axes[0] else []
            ax.set_yticks(range(len(panel.lines)), labels or [""] * len(panel.lines))
            ax.set_ylim(len(panel.lines) - 0.5, -0.5)
            ax.grid(axis="x", alpha=0.3)
            title = f"{panel.title}\n{metric}" if ax is axes[0] else metric
            ax.set_title(title, fontsize="small")
    return figure


def profiles(collection: Collection, reps: int) -> Figure:
    """Performance profiles: the share of runs above each score."""
    figure, (axes,) = style.new_figure(len(collection.panels))
    for ax, panel in zip(axes, collection.panels, strict=True):
        scores = panel.final_scores()
        everything = np.concatenate([values.ravel() for values in scores.values()])
        top = max(1.0, float(np.quantile(everything, 0.95)))
        thresholds = np.linspace(min(0.0, float(everything.min())), top, 101)
        shares = statistics.profiles(scores, thresholds, reps)
        for line in panel.lines:
            _band(ax, thresholds, shares[line.label], line, panel)
        ax.set_ylim(-0.02, 1.02)
        score = f"human-normalised score τ, {collection.kind}"
        _describe(ax, panel, score, "share of runs above τ")
    style.legend(figure, axes)
    return figure


def improvements(
    collection: Collection, pairs: list[list[Improvement]]
) -> Figure | None:
    """The probability that a line's run beats its baseline's."""
    if not any(pairs):
        return None
    most = max(len(of_panel) for of_panel in pairs)
    figure, (axes,) = style.new_figure(
        len(collection.panels), size=(5.2, 1.4 + 0.3 * most)
    )
    for ax, panel, of_panel in zip(axes, collection.panels, pairs, strict=True):
        for row, pair in enumerate(of_panel):
            look = style.color(pair.line.series)
            ends = [pair.probability.low, pair.probability.high]
            ax.plot(ends, [row, row], color=look, linewidth=6, alpha=0.4)
            ax.plot(
                pair.probability.value, row, style.marker(pair.line.series), color=look
            )
        names = [f"{pair.line.label}\n> {pair.over.label}" for pair in of_panel]
        ax.set_yticks(range(len(of_panel)), names, fontsize="x-small")
        ax.set_ylim(len(of_panel) - 0.5, -0.5)
        ax.axvline(0.5, color="0.5", linestyle=":")
        ax.set_xlim(-0.02, 1.02)
        _describe(ax, panel, "probability of improvement", "")
    return figure


def _over(collection: Collection, axis: str, reps: int) -> Figure | None:
    figure, (axes,) = style.new_figure(len(collection.panels))
    drawn = False
    for ax, panel in zip(axes, collection.panels, strict=True):
        unit = "hours" if axis == "hours" else panel.unit
        for line in panel.lines:
            if line.external and unit != "frames":
                continue
            over = line.scores_over(panel.games, axis)
            if over is None:
                continue
            points, scores = over
            interval = statistics.iqm_over({"": scores}, reps)[""]
            _band(ax, points / _scale(unit), interval, line, panel)
            drawn = True
        _describe(ax, panel, _length_label(unit), _score_label(collection))
    style.legend(figure, axes)
    return figure if drawn else None


def _draw_game(
    ax: Axes, line: Line, game: str, panel: Panel, measure: str | None = None
) -> None:
    """The mean over the runs of a game, in a band from the least to the greatest."""
    if line.external and panel.unit != "frames":
        return
    curves = line.curves[game].values()
    runs = [
        (curve.positions, curve.returns) if measure is None else curve.measures[measure]
        for curve in curves
        if measure is None or measure in curve.measures
    ]
    points = np.unique(np.concatenate([np.empty(0), *(x for x, _ in runs)]))
    for x, _ in runs:
        points = points[(points >= x[0]) & (points <= x[-1])]
    if not len(points):
        return
    values = np.stack([np.interp(points, x, y) for x, y in runs])
    interval = Interval(values.mean(0), values.min(0), values.max(0))
    _band(ax, points / _scale(panel.unit), interval, line, panel)


def _band(
    ax: Axes, x: np.ndarray, interval: Interval, line: Line, panel: Panel
) -> None:
    look = style.color(line.series)
    ax.plot(
        x,
        interval.value,
        color=look,
        linestyle=style.line_style(line),
        marker=style.marker(line.series),
        alpha=style.strength(line, panel.lines),
        markevery=max(1, len(x) // 6),
        markersize=5,
        label=line.label,
    )
    ax.fill_between(x, interval.low, interval.high, color=look, alpha=0.15, lw=0)
    ax.locator_params(axis="x", nbins=5)


def _error_bars(
    ax: Axes, x: list[float], intervals: list[Interval], series: str
) -> None:
    values = np.array([interval.value for interval in intervals])
    low = np.array([interval.low for interval in intervals])
    high = np.array([interval.high for interval in intervals])
    # The percentile interval of very few runs may lie beside the value.
    spread = np.maximum([values - low, high - values], 0)
    ax.errorbar(
        x,
        values,
        spread,
        color=style.color(series),
        marker=style.marker(series),
        capsize=3,
        label=series,
    )


def _level(ax: Axes, line: Line, interval: Interval) -> None:
    look = style.color(line.series)
    ax.axhline(
        float(interval.value),
        color=look,
        linestyle=style.line_style(line),
        label=line.label,
    )
    ax.axhspan(float(interval.low), float(interval.high), color=look, alpha=0.1, lw=0)


def _describe(ax: Axes, panel: Panel, x_label: str, y_label: str) -> None:
    ax.set_title(panel.title, fontsize="medium")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.grid(alpha=0.3)


def _score_label(collection: Collection) -> str:
    return f"IQM human-normalised score, {collection.kind}"


def _scale(unit: str) -> float:
    return {"frames": 1e6, "updates": 62_500.0, "hours": 1.0}[unit]


def _length_label(unit: str) -> str:
    return {
        "frames": "frames, millions",
        "updates": "gradient updates, x 62,500",
        "hours": "wall time, hours",
    }[unit]
