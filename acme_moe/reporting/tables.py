"""Makes the tables of a report, as CSV, Markdown and HTML."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from acme_moe.reporting.comparison import HUMAN, Comparison, MissingRun
from acme_moe.reporting.results import Results
from acme_moe.reporting.runs import UNITS


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes:
      caption: its heading.
      frame: its rows.
      float_format: how its fractions are written.
      folders: of each row's run; None for a row that is of none here.
      linked: the column that names the run.
    """

    caption: str
    frame: pd.DataFrame
    float_format: str = "%.4f"
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


def aggregate_table(results: Sequence[Results]) -> Table:
    """Makes a table with a row for each line, kind of score and metric."""
    planned = ("games_planned", "runs_planned")
    columns = (
        *("panel", "line", "scores", "metric", "value", "low", "high"),
        *("games", "runs_a_game", *planned, "runs_left_out"),
    )
    rows: list[tuple[Any, ...]] = []
    for result in results:
        for panel, aggregates, _ in result.panels:
            for line in panel.lines:
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
    # External scores, which are of no kind, are among the results of both.
    frame = pd.DataFrame(rows, columns=columns).drop_duplicates()
    return Table(
        "Aggregates at the runs' ends, 95 % stratified bootstrap intervals",
        frame.astype(dict.fromkeys(planned, "Int64")),
    )


def improvement_table(result: Results) -> Table:
    """Makes a table with a row for each line that has a baseline."""
    rows = [
        (panel.name, pair.line.label, pair.over.label, *pair.probability)
        for panel, _, pairs in result.panels
        for pair in pairs
    ]
    columns = ("panel", "line", "over", "probability", "low", "high")
    frame = pd.DataFrame(rows, columns=columns)
    return Table("Probability of improvement over the baseline", frame)


def run_table(comparison: Comparison) -> Table:
    """Makes a table with a row for each finished run, as `read_external` reads it.

    The length of a run is in the column `frames`, of an offline run in `updates`.
    """
    frame, folders = _runs(comparison, points=slice(-1, None))
    return Table("Runs", frame, "%.6g", folders, linked="game")


def curve_table(comparison: Comparison) -> Table:
    """Makes a table with a row for each point of each run; else as `run_table`."""
    frame, _ = _runs(comparison, points=slice(None))
    return Table("Curves", frame, "%.6g")


def _runs(
    comparison: Comparison, points: slice
) -> tuple[pd.DataFrame, list[Path | None]]:
    """Returns rows of these points of each run's curve, and each row's run folder."""
    rows: list[tuple[Any, ...]] = []
    folders = []
    for panel in comparison.panels:
        for line in panel.lines:
            for game, seeds in line.curves.items():
                kept = line.num_runs(panel.games) if game in panel.games else 0
                for i, (seed, curve) in enumerate(sorted(seeds.items())):
                    run = panel.name, line.label, line.suite, game, seed
                    human = curve.scores if panel.normalization == HUMAN else None
                    compared = "yes" if i < kept else "no"
                    for point in range(len(curve.positions))[points]:
                        folders.append(curve.folder)
                        length = round(curve.positions[point])
                        rows.append(
                            (
                                *run,
                                *(length if u == line.unit else None for u in UNITS),
                                curve.returns[point],
                                None if human is None else human[point],
                                curve.hours[point],
                                compared,
                            )
                        )
    columns = (
        *("panel", "agent", "environment", "game", "seed", *UNITS),
        *("score", "human_normalized_score", "hours", "compared"),
    )
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(UNITS, "Int64"))
    unused = [name for name in (*UNITS, "hours") if frame[name].isna().all()]
    return frame.drop(columns=unused), folders


def missing_table(comparison: Comparison, workdir: Path) -> Table:
    """Makes a table with a row for each run that is in no figure.

    Args:
      comparison: that misses them.
      workdir: folder that the runs' names start from.
    """
    frame = pd.DataFrame(comparison.missing, columns=MissingRun._fields)
    folders = [workdir / missing.run for missing in comparison.missing]
    return Table("Runs that are in no figure", frame, folders=folders, linked="run")
