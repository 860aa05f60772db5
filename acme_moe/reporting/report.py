"""Writes a report: figures, tables, and a page that shows them."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from acme_moe import validation
from acme_moe.reporting import figures, results
from acme_moe.reporting.collect import Collection, collect
from acme_moe.reporting.curves import KINDS
from acme_moe.reporting.external import read_external
from acme_moe.reporting.page import page


def write_report(
    workdir: Path,
    out: Path,
    *,
    kind: str = "evaluation",
    external: Path | None = None,
    reps: int = 2_000,
) -> Collection:
    """Writes the report of a folder of runs.

    Args:
      workdir: of a study, or any folder with run folders below it.
      out: folder that the report goes to.
      kind: of the scores that the figures show: `evaluation` or `training`. The table
        of aggregates has both.
      external: CSV file with scores from elsewhere; see `read_external`.
      reps: draws of the bootstrap.

    Returns:
      What the report is of.

    Raises:
      FileNotFoundError: if the folder holds no run.
      ValueError: if the external scores, or the study's plan, are damaged.
    """
    validation.one_of("kind", kind, KINDS)
    lines = () if external is None else read_external(external)
    collections = collect(workdir, lines)
    collection = collections.pop(kind)
    out.mkdir(parents=True, exist_ok=True)
    tables = {"missing": results.gap_table(collection)}
    shown: list[tuple[str, str]] = []
    if collection.panels:
        main = results.compute(collection, reps)
        others = [results.compute(other, reps) for other in collections.values()]
        tables = {
            "aggregates": results.aggregate_table([main, *others]),
            "improvement": results.improvement_table(main),
            "runs": results.run_table(collection),
            **tables,
        }
        for name, caption, figure in _figures(main, reps):
            if figure is not None:
                figure.savefig(out / f"{name}.png", dpi=130)
                # The places of everything stay, and need not be found again.
                figure.set_layout_engine("none")
                figure.savefig(out / f"{name}.pdf")
                shown.append((name, f"{caption}, {kind} returns"))
    for name, table in tables.items():
        results.write_csv(table, out / f"{name}.csv")
    note = _note(collection, reps)
    sections = [(_CAPTIONS[name], table) for name, table in tables.items()]
    (out / "report.html").write_text(page(collection.title, note, shown, sections))
    text = [f"# {collection.title}", note]
    text += [f"![{caption}]({name}.png)" for name, caption in shown]
    text += [f"## {name}\n\n{results.markdown(table)}" for name, table in sections]
    (out / "report.md").write_text("\n\n".join(text) + "\n")
    return collection


_CAPTIONS = {
    "aggregates": "Aggregates at the runs' ends, 95 % stratified bootstrap intervals",
    "improvement": "Probability of improvement over the baseline",
    "runs": "Runs",
    "missing": "Runs that are in no figure",
}


def _figures(
    result: results.Results, reps: int
) -> list[tuple[str, str, Figure | None]]:
    """File name, caption and figure; the study's own form first."""
    collection = result.collection
    drawn = [
        ("curves", "Score over length", figures.over_length(collection, reps)),
        ("wall_time", "Score over time", figures.over_wall_time(collection, reps)),
        ("games", "Returns of each game", figures.games(collection)),
        ("diagnostics", "Diagnostics", figures.diagnostics(collection)),
        (
            "aggregates",
            "Aggregates",
            figures.aggregates(collection, result.aggregates),
        ),
        ("profiles", "Performance profiles", figures.profiles(collection, reps)),
        (
            "improvement",
            "Probability of improvement",
            figures.improvements(collection, result.improvements),
        ),
    ]
    if collection.form == "scaling":
        figure = figures.scaling(collection, result.aggregates)
        drawn.insert(0, ("scaling", f"Score over {collection.x_label.lower()}", figure))
    drawn.sort(key=lambda entry: entry[0] != collection.form)
    return drawn


def _note(collection: Collection, reps: int) -> str:
    """What is shown, how, and what is missing."""
    kinds = {
        "evaluation": "mean returns of evaluation games",
        "training": "mean returns of the training games of an iteration",
    }
    parts = [
        f"Scores: {kinds[collection.kind]}, human-normalised, of finished runs, on the "
        "games that every line of a panel has; as many runs of each game as the game "
        "with the fewest has.",
        f"Intervals: 95 %, stratified bootstrap, {reps} draws.",
    ]
    lines = [(line, p) for p in collection.panels for line in p.lines]
    if any(line.num_runs(panel.games) == 1 for line, panel in lines):
        parts.append("Lines with one run a game have no interval.")
    left_out = sum(line.num_left_out(panel.games) for line, panel in lines)
    if left_out:
        parts.append(f"{left_out} finished runs are more than their line's games have.")
    if collection.gaps:
        parts.append(f"{len(collection.gaps)} entries are missing, listed at the end.")
    return " ".join(parts)
