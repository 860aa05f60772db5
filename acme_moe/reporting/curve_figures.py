"""Draws the figures of learning curves: scores, returns and diagnostics over length.

Each gives a `Figure`, or None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acme_moe.reporting import statistics, style
from acme_moe.reporting.comparison import Comparison, Panel
from acme_moe.reporting.curves import MEASURES, interpolate
from acme_moe.reporting.statistics import Interval
from acme_moe.reporting.style import Look

_GAMES_IN_A_ROW = 5
# By unit of the axis: how many make one there, and the axis's label. If all runs are
# shorter than a tenth of that, the axis counts single units.
_AXES = {
    "frames": (1e6, "frames, millions"),
    "updates": (62_500.0, "gradient updates, x 62,500"),
    "hours": (1.0, "wall time, hours"),
}


def scores_over(comparison: Comparison, axis: str, reps: int) -> Figure | None:
    """Draws the IQM of the scores over the length of the runs (figures 6 to 19).

    Args:
      comparison: what is drawn.
      axis: `positions`, frames or updates as the panel has them, or `hours` of wall
        time.
      reps: draws of the bootstrap.
    """
    looks = style.looks(comparison)
    figure, (axes,) = style.new_figure(len(comparison.panels))
    drawn = False
    for ax, panel in zip(axes, comparison.panels, strict=True):
        unit = "hours" if axis == "hours" else panel.unit
        scale, label = _axis(panel, unit)
        for line in panel.lines:
            if unit != "hours" and line.unit != unit:
                continue
            if (over := line.scores_over(panel.games, axis)) is None:
                continue
            points, scores = over
            interval = statistics.iqm_over(scores, reps)
            look = looks[line.series]
            style.draw_band(ax, points / scale, interval, line, panel, look)
            drawn = True
        style.label_axes(ax, panel, label, style.iqm_label(panel, comparison.kind))
    style.legend(figure, axes)
    return figure if drawn else None


def games(comparison: Comparison) -> Figure:
    """Draws mean returns of each game over the runs' length (figures 10, 14, 15).

    A band spans the runs' least and greatest returns.
    """
    rows = [
        (panel, panel.games[i : i + _GAMES_IN_A_ROW])
        for panel in comparison.panels
        for i in range(0, len(panel.games), _GAMES_IN_A_ROW)
    ]
    columns = max(len(names) for _, names in rows)
    looks = style.looks(comparison)
    figure, grid = style.new_figure(columns, len(rows), size=(3.2, 2.6))
    drawn = []
    for (panel, names), axes in zip(rows, grid, strict=True):
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax, game in zip(axes, names, strict=False):
            _draw_game(ax, panel, game, looks, f"{comparison.kind} return")
            drawn.append(ax)
    style.legend(figure, drawn)
    return figure


def diagnostics(comparison: Comparison) -> Figure | None:
    """Draws returns beside diagnostics of the networks (figure 10).

    A row is a game, a column a diagnostic that any run has; a band spans the runs'
    least and greatest values.
    """
    rows = [(panel, game) for panel in comparison.panels for game in panel.games]
    lines = [line for panel in comparison.panels for line in panel.lines]
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
    looks = style.looks(comparison)
    figure, axes = style.new_figure(len(measures), len(rows), size=(3.4, 2.6))
    for (panel, game), row in zip(rows, axes, strict=True):
        for ax, (measure, label) in zip(row, measures, strict=True):
            _draw_game(ax, panel, game, looks, label, measure)
    style.legend(figure, [ax for row in axes for ax in row])
    return figure


def _axis(panel: Panel, unit: str) -> tuple[float, str]:
    """Returns how many of a unit make one on a panel's axis, and the axis's label."""
    scale, label = _AXES[unit]
    longest = max(
        (
            curve.positions[-1]
            for line in panel.lines
            if line.unit == unit
            for curves in line.curves.values()
            for curve in curves.values()
            if len(curve.positions)
        ),
        default=scale,
    )
    return (scale, label) if longest >= scale / 10 else (1.0, label.partition(",")[0])


def _draw_game(
    ax: Axes,
    panel: Panel,
    game: str,
    looks: Mapping[str, Look],
    label: str,
    measure: str | None = None,
) -> None:
    """Draws returns of a game, or a diagnostic, of each line of a panel.

    That is the mean over a line's runs, in a band from least to greatest.
    """
    scale, x_label = _axis(panel, panel.unit)
    for line in panel.lines:
        if line.unit != panel.unit:
            continue
        runs = [
            (run.positions, run.returns) if measure is None else run.measures[measure]
            for run in line.curves[game].values()
            if measure is None or measure in run.measures
        ]
        points, values = interpolate(runs)
        if len(points):
            interval = Interval(values.mean(0), values.min(0), values.max(0))
            look = looks[line.series]
            style.draw_band(ax, points / scale, interval, line, panel, look)
    ax.set_title(f"{panel.name}: {game}", fontsize="small")
    ax.set_xlabel(x_label)
    ax.set_ylabel(label)
