"""Sets the look of figures: a series has the same colour and marks in all of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from acme_moe.reporting.comparison import Comparison, Line, Panel
from acme_moe.reporting.statistics import Interval

# The palette of Okabe and Ito, distinct for any colour vision.
_BLACK, _ORANGE, _SKY, _GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
_BLUE, _VERMILION, _PURPLE, _GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"
_PALETTE = (_VERMILION, _GREEN, _PURPLE, _SKY, _ORANGE, _BLACK, _BLUE, _GREY)
_MARKERS = "osD^vP*X"
_OF_THE_PAPER = {
    "Baseline": _GREY,
    "Scaled baseline": _BLACK,
    "Soft MoE": _BLUE,
    "Top1-MoE": _ORANGE,
    "Soft MoE, unchanged": _BLUE,
    "Soft MoE, width / experts": _GREEN,
    "Soft MoE, random Phi": _PURPLE,
    "Top1-MoE, load balancing": _VERMILION,
    "Soft MoE, PerConv": _BLUE,
    "Soft MoE, PerFeat": _SKY,
    "Soft MoE, PerSamp": _GREEN,
    "Top1-MoE, PerConv": _ORANGE,
    "Top1-MoE, PerFeat": _VERMILION,
    "Top1-MoE, PerSamp": _PURPLE,
    "Regular": _BLUE,
    "Regular, normalised": _BLUE,
    "Big": _ORANGE,
    "Big, normalised": _ORANGE,
    "All": _GREEN,
    "All, normalised": _GREEN,
}
# Inches of a row of a legend.
_LEGEND_ROW = 0.2


class Look(NamedTuple):
    """Colour and marker of a series."""

    color: str
    marker: str


_LOOKS = {
    series: Look(color, marker)
    for (series, color), marker in zip(
        _OF_THE_PAPER.items(), itertools.cycle(_MARKERS), strict=False
    )
}


def looks(comparison: Comparison) -> dict[str, Look]:
    """Gives each series a look, by its name.

    Series of the paper's figures have fixed looks, no two of one figure the same. Any
    other series gets the colour that is used least so far, with a marker that no look
    combines with it yet; if there are more than 64 looks, some are the same.
    """
    series = dict.fromkeys(
        line.series for panel in comparison.panels for line in panel.lines
    )
    chosen = {name: _LOOKS[name] for name in series if name in _LOOKS}
    for name in [name for name in series if name not in chosen]:
        colors = Counter(look.color for look in chosen.values())
        markers = Counter(look.marker for look in chosen.values())
        color = min(_PALETTE, key=lambda color: colors[color])
        chosen[name] = min(
            (Look(color, marker) for marker in _MARKERS),
            key=lambda look: (look in chosen.values(), markers[look.marker]),
        )
    return chosen


def strength(line: Line, lines: Sequence[Line]) -> float:
    """Returns the opacity of a line: the further along the `x` axis, the fuller."""
    places = sorted({other.x for other in lines if other.x is not None})
    if line.x is None:
        return 1.0
    return 0.3 + 0.7 * (places.index(line.x) + 1) / len(places)


def line_style(line: Line) -> str:
    """Returns dots for external lines, dashes for series named `..., normalised`."""
    if line.external:
        return ":"
    return "--" if line.series.endswith(", normalised") else "-"


def new_figure(
    columns: int, rows: int = 1, size: tuple[float, float] = (4.6, 3.6)
) -> tuple[Figure, list[list[Axes]]]:
    """Makes a figure without a window, and its axes by row and column.

    Args:
      columns: axes in a row.
      rows: rows of axes.
      size: width and height of one of the axes, in inches.
    """
    figure = Figure(
        figsize=(size[0] * columns, size[1] * rows + 0.6), layout="constrained"
    )
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Puts one legend below the axes, each label once; the figure grows by its rows."""
    labelled: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            labelled.setdefault(label, handle)
    for columns in range(min(4, len(labelled)), 0, -1):
        drawn = figure.legend(
            list(labelled.values()),
            list(labelled),
            loc="outside lower center",
            ncols=columns,
            fontsize="small",
            frameon=False,
        )
        if columns == 1 or drawn.get_window_extent().width <= figure.bbox.width:
            width, height = figure.get_size_inches()
            rows = -(-len(labelled) // columns)
            figure.set_size_inches(width, height + _LEGEND_ROW * (rows - 1))
            return
        drawn.remove()


def draw_band(
    ax: Axes, x: np.ndarray, interval: Interval, line: Line, panel: Panel, look: Look
) -> None:
    """Draws a curve in the band of its interval."""
    ax.plot(
        x,
        interval.value,
        color=look.color,
        linestyle=line_style(line),
        marker=look.marker,
        alpha=strength(line, panel.lines),
        markevery=max(1, len(x) // 6),
        markersize=5,
        label=line.label,
    )
    ax.fill_between(x, interval.low, interval.high, color=look.color, alpha=0.15, lw=0)
    ax.locator_params(axis="x", nbins=5)


def label_axes(ax: Axes, panel: Panel, x_label: str, y_label: str) -> None:
    """Titles the axes of a panel and names both of them."""
    ax.set_title(panel.title, fontsize="medium")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.grid(alpha=0.3)


def iqm_label(panel: Panel, kind: str) -> str:
    """Names a panel's axis of IQMs of scores of a kind."""
    return f"IQM {panel.score_name}, {kind}"
