"""Makes the tables of a report, as CSV, Markdown and HTML."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype

from acme_moe.reporting.comparison import HUMAN, Comparison, Line, MissingRun, Panel
from acme_moe.reporting.curves import MEASURES, Curve
from acme_moe.reporting.results import PanelPairs, Results
from acme_moe.reporting.runs import UNITS

# What tells a run of a comparison from the others; `x` is a scaling study's.
_NAME = ("panel", "agent", "x", "environment", "game", "seed")
# What a run was made with: the same at each of its points.
_MADE_WITH = ("code_versions", "platforms")
# Whole numbers, empty for a run whose length is counted otherwise.
_LENGTHS = dict.fromkeys(UNITS, "Int64")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes:
      caption: its heading.
      frame: its rows.
      float_format: how its fractions are written.
      folders: folder of each row's run; None for a row without one here.
      linked: the column that names the run.
    """

    caption: str
    frame: pd.DataFrame
    float_format: str | Callable[[float], str] = "%.4f"
    folders: Sequence[Path | None] = ()
    linked: str = ""

    def to_csv(self) -> str:
        """Writes the table as CSV (RFC 4180)."""
        return self.frame.to_csv(
            index=False, float_format=self.float_format, lineterminator="\r\n"
        )

    def to_markdown(self) -> str:
        """Writes the table as Markdown."""
        return (
            self.cells()
            .replace(r"\|", r"\\|", regex=True)
            .to_markdown(
                index=False,
                tablefmt="pipe",
                disable_numparse=True,
                colalign=["right" if number else "left" for number in self.numeric],
            )
        )

    @property
    def numeric(self) -> list[bool]:
        """Tells which columns hold numbers."""
        return [is_numeric_dtype(dtype) for dtype in self.frame.dtypes]

    def cells(self) -> pd.DataFrame:
        """Returns the text of each cell, the same as in the CSV file."""
        stream = io.StringIO(self.to_csv())
        return pd.read_csv(stream, dtype=str, keep_default_na=False)


def aggregate_table(main: Results, others: Sequence[Results]) -> Table:
    """Makes a table with a row for each line, kind of score and metric.

    Args:
      main: the numbers that the figures show.
      others: those of other kinds of scores. External lines, which are of no kind,
        have rows of one only.
    """
    planned = ("games_planned", "runs_planned")
    columns = (
        *("panel", "line", "scores", "metric", "value", "low", "high"),
        *("games", "runs_a_game", *planned, "runs_left_out"),
    )
    rows: list[tuple[Any, ...]] = []
    external: set[tuple[str, str]] = set()
    for result in (main, *others):
        for panel, aggregates in result.panels:
            for line in panel.lines:
                name = panel.name, line.label
                if name in external:
                    continue
                if line.external:
                    external.add(name)
                kind = "external" if line.external else result.comparison.kind
                counts = (
                    len(panel.games),
                    line.num_runs(panel.games),
                    line.planned_games,
                    line.planned_seeds,
                    line.num_left_out(panel.games),
                )
                for metric, interval in aggregates[line.label].items():
                    rows.append(
                        (panel.name, line.label, kind, metric, *interval, *counts)
                    )
    frame = pd.DataFrame(rows, columns=columns)
    return Table(
        "Aggregates at the runs' ends, 95 % stratified bootstrap intervals",
        frame.astype(dict.fromkeys(planned, "Int64")),
    )


def improvement_table(pairs: Iterable[PanelPairs]) -> Table:
    """Makes a table with a row for each pair of lines of these panels."""
    rows = [
        (panel.name, pair.line.label, pair.over.label, *pair.probability, pair.p_value)
        for panel, of_panel in pairs
        for pair in of_panel
    ]
    columns = ("panel", "line", "over", "probability", "low", "high", "p")
    frame = pd.DataFrame(rows, columns=columns)
    return Table("Probability of improvement over the baseline", frame, _probability)


def _probability(number: float) -> str:
    """Writes four decimals, or the first digits of a p-value that has none there."""
    return f"{number:.1e}" if 0 < number < 5e-5 else f"{number:.4f}"


def run_table(comparison: Comparison) -> Table:
    """Makes a table with a row for each finished run, as `read_external` reads it.

    The length of a run is in the column `frames`, of an offline run in `updates`.
    """
    frame, folders = _runs(comparison, points=slice(-1, None))
    return Table("Runs", frame, "%.6g", folders, linked="game")


def curve_table(comparison: Comparison) -> Table:
    """Makes a table with a row for each point of each run; else as `run_table`."""
    frame, _ = _runs(comparison, points=slice(None))
    frame = frame.drop(columns=[*_MADE_WITH], errors="ignore")
    return Table("Curves", frame, "%.6g")


def diagnostics_table(comparison: Comparison) -> Table | None:
    """Makes a table with a row for each measurement of a run's network.

    Its columns after `frames` or `updates` are those of `MEASURES` that any run has.

    Returns:
      The table; None if no run has any.
    """
    parts = []
    for run in _listed(comparison):
        if not run.curve.measures:
            continue
        measured: dict[str, Any] = dict(zip(_NAME, run.name, strict=True))
        for name, (positions, values) in run.curve.measures.items():
            # The same for all measures of a run.
            measured[run.line.unit] = positions
            measured[name] = values
        parts.append(pd.DataFrame(measured))
    if not parts:
        return None
    frame = pd.concat(parts)
    names = [name for name in MEASURES if name in frame]
    frame = frame.reindex(columns=[*_NAME, *UNITS, *names])
    return Table("Diagnostics", _used(frame.astype(_LENGTHS)), "%.6g")


class _Listed(NamedTuple):
    """A run of a line: its values of `_NAME`, its curve, whether it is compared."""

    panel: Panel
    line: Line
    name: tuple[str, str, float | None, str, str, int]
    curve: Curve
    compared: bool


def _listed(comparison: Comparison) -> Iterator[_Listed]:
    for panel in comparison.panels:
        for line in panel.lines:
            for game, seeds in line.curves.items():
                kept = line.num_runs(panel.games) if game in panel.games else 0
                for i, (seed, curve) in enumerate(sorted(seeds.items())):
                    name = (
                        *(panel.name, line.series, line.x),
                        *(line.suite, game, seed),
                    )
                    yield _Listed(panel, line, name, curve, i < kept)


def _runs(
    comparison: Comparison, points: slice
) -> tuple[pd.DataFrame, list[Path | None]]:
    """Returns rows of these points of each run's curve, and each row's run folder."""
    rows: list[tuple[Any, ...]] = []
    folders = []
    for panel, line, name, curve, compared in _listed(comparison):
        human = curve.scores if panel.normalization == HUMAN else None
        for point in range(len(curve.positions))[points]:
            folders.append(curve.folder)
            length = round(curve.positions[point])
            rows.append(
                (
                    *name,
                    *(length if u == line.unit else None for u in UNITS),
                    curve.returns[point],
                    None if human is None else human[point],
                    curve.hours[point],
                    "yes" if compared else "no",
                    *("; ".join(getattr(curve, name)) or None for name in _MADE_WITH),
                )
            )
    scores = ("score", "human_normalized_score", "hours", "compared")
    frame = pd.DataFrame(rows, columns=[*_NAME, *UNITS, *scores, *_MADE_WITH])
    return _used(frame.astype(_LENGTHS)), folders


def _used(frame: pd.DataFrame) -> pd.DataFrame:
    """Drops columns that no run has."""
    optional = [n for n in (*UNITS, "hours", "x", *_MADE_WITH) if n in frame]
    return frame.drop(columns=[name for name in optional if frame[name].isna().all()])


def missing_table(comparison: Comparison, workdir: Path | None) -> Table:
    """Makes a table with a row for each run that is in no figure.

    Args:
      comparison: what is compared.
      workdir: folder that the runs' names start from; None: they have no folders.
    """
    frame = pd.DataFrame(comparison.missing, columns=MissingRun._fields)
    folders = [workdir and workdir / missing.run for missing in comparison.missing]
    return Table("Runs that are in no figure", frame, folders=folders, linked="run")
