"""The numbers of a report, and their tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from acme_moe.reporting import statistics
from acme_moe.reporting.collect import Collection
from acme_moe.reporting.comparison import Line, Panel
from acme_moe.reporting.statistics import METRICS, Interval

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


class Improvement(NamedTuple):
    """The probability that a run of one line beats one of another."""

    line: Line
    over: Line
    probability: Interval


class Results(NamedTuple):
    """The numbers of each panel.

    Attributes:
      collection: what they are of.
      aggregates: by label and metric.
      improvements: of each line over its baseline.
    """

    collection: Collection
    aggregates: list[dict[str, dict[str, Interval]]]
    improvements: list[list[Improvement]]


def compute(collection: Collection, reps: int) -> Results:
    """Computes them, with so many draws of the bootstrap."""
    return Results(
        collection,
        [statistics.aggregates(p.final_scores(), reps) for p in collection.panels],
        [list(_improvements(panel, reps)) for panel in collection.panels],
    )


def _improvements(panel: Panel, reps: int) -> Iterator[Improvement]:
    """Each line over the baseline at its place, or over the panel's first line."""
    for line in panel.lines:
        over = _baseline(panel, line)
        if over is not line:
            scores = line.final_scores(panel.games)
            others = over.final_scores(panel.games)
            yield Improvement(line, over, statistics.improvement(scores, others, reps))


def _baseline(panel: Panel, line: Line) -> Line:
    rows = [other for other in panel.lines if other.x == line.x] or list(panel.lines)
    if line.x is None:
        rows = [other for other in rows if not other.external] or rows
    named = (other for other in rows if "baseline" in other.series.lower())
    return next(named, rows[0])


def aggregate_table(results: Sequence[Results]) -> Table:
    """A row for each line, kind of score and metric."""
    header = (
        *("panel", "line", "scores", "metric", "value", "low", "high"),
        *("games", "runs_a_game", "games_planned", "runs_planned", "runs_left_out"),
    )
    rows: list[tuple[str, ...]] = []
    for result in results:
        panels = zip(result.collection.panels, result.aggregates, strict=True)
        for panel, values in panels:
            for line in panel.lines:
                counts = (
                    len(panel.games),
                    line.num_runs(panel.games),
                    line.planned_games,
                    line.planned_seeds,
                    line.num_left_out(panel.games),
                )
                said = tuple("" if count is None else str(count) for count in counts)
                kind = "external" if line.external else result.collection.kind
                for metric in METRICS:
                    numbers = tuple(f"{x:.4f}" for x in values[line.label][metric])
                    rows.append((panel.name, line.label, kind, metric, *numbers, *said))
    return header, list(dict.fromkeys(rows))


def improvement_table(result: Results) -> Table:
    """A row for each line that has a baseline."""
    header = ("panel", "line", "over", "probability", "low", "high")
    rows: list[tuple[str, ...]] = []
    panels = zip(result.collection.panels, result.improvements, strict=True)
    for panel, pairs in panels:
        for pair in pairs:
            numbers = tuple(f"{x:.4f}" for x in pair.probability)
            rows.append((panel.name, pair.line.label, pair.over.label, *numbers))
    return header, rows


def run_table(collection: Collection) -> Table:
    """A row for each finished run, in the columns that external scores have, too."""
    header = (
        *("panel", "agent", "game", "seed", "frames", "score"),
        *("human_normalized_score", "compared"),
    )
    rows: list[tuple[str, ...]] = []
    for panel in collection.panels:
        for line in panel.lines:
            for game, seeds in line.curves.items():
                kept = line.num_runs(panel.games) if game in panel.games else 0
                for i, seed in enumerate(sorted(seeds)):
                    curve = seeds[seed]
                    rows.append(
                        (
                            panel.name,
                            line.label,
                            game,
                            str(seed),
                            f"{curve.positions[-1]:.0f}",
                            f"{curve.returns[-1]:.6g}",
                            f"{curve.scores[-1]:.6g}",
                            "yes" if i < kept else "no",
                        )
                    )
    return header, rows


def gap_table(collection: Collection) -> Table:
    """A row for each run that is in no figure."""
    return ("run", "reason"), [tuple(gap) for gap in collection.gaps]


def write_csv(table: Table, path: Path) -> None:
    """Writes a table as CSV."""
    header, rows = table
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def markdown(table: Table) -> str:
    """A table as Markdown."""
    header, rows = table
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
        for line in lines
    )
