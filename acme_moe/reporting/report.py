"""Writes a report: figures, tables, and pages that show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from acme_moe import disk, validation
from acme_moe.folder_lock import FolderLock
from acme_moe.reporting import curve_figures, results, score_figures, tables
from acme_moe.reporting.collect import collect, collect_external
from acme_moe.reporting.comparison import BASELINE, HUMAN, NONE, Comparison
from acme_moe.reporting.curves import KINDS
from acme_moe.reporting.external import read_external
from acme_moe.reporting.page import Shown, html_page, markdown_page

_NORMALIZATIONS = {
    HUMAN: "human-normalised",
    BASELINE: "relative to the mean final returns of the panel's baseline, which "
    "count as exact, as there are no reference scores",
    NONE: "not normalised, as there are no reference scores",
}
_PAGE = "report.html"
# All that a report may have beside its pages: figures, each twice, and tables.
_FIGURES = (
    "curves",
    "wall_time",
    "games",
    "diagnostics",
    "aggregates",
    "profiles",
    "improvement",
    "scaling",
)
_TABLES = ("aggregates", "improvement", "runs", "missing", "points", "measures")
_KINDS = {
    "evaluation": "mean returns of evaluation games",
    "training": "mean returns of the training games of an iteration",
}


def write_report(
    workdir: Path | None,
    out: Path,
    *,
    kind: str = "evaluation",
    external: Sequence[Path] = (),
    reps: int = 2_000,
) -> Comparison:
    """Writes the report of a folder of runs, or of scores alone.

    Args:
      workdir: folder of a study, or any folder with run folders below it; None for a
        report of the external scores.
      out: folder that the report goes to.
      kind: kind of the scores in the figures, `evaluation` or `training`; the table of
        aggregates has both. Without runs, the kind of the external scores.
      external: CSV files with scores from elsewhere; see `read_external`.
      reps: draws of the bootstrap.

    Returns:
      What the report compares.

    Raises:
      FileNotFoundError: if the folder holds no run, or there is no such file.
      FolderInUseError: if another process writes to `out`.
      DiskError: if `out` cannot be written.
      ValueError: if the external scores, or the study's plan, are damaged; if there is
        neither a folder nor a file; or if the report would overwrite what it is of.
    """
    validation.one_of("kind", kind, KINDS)
    read = {path.resolve().parent for path in external}
    if (out / "config.json").exists() or out.resolve() in read:
        what = "a folder that is no run's, and holds no file that is read"
        raise validation.not_accepted("out", str(out), what)
    lines = read_external(*external)
    if workdir is not None:
        comparisons = collect(workdir, lines)
    elif external:
        title = ", ".join(map(str, external))
        comparisons = {kind: collect_external(lines, title, kind)}
    else:
        raise ValueError("workdir, external: are empty; a folder of runs, or CSV files")
    comparison = comparisons.pop(kind)
    with FolderLock(out, field="out"), disk.writing(out):
        _write(comparison, comparisons.values(), workdir, out, reps)
    return comparison


def _write(
    comparison: Comparison,
    others: Iterable[Comparison],
    workdir: Path | None,
    out: Path,
    reps: int,
) -> None:
    """Writes the figures, the tables and the pages that hold them.

    Figures and tables of an earlier report that this one lacks are removed.
    """
    had_report = (out / _PAGE).exists()
    missing = {"missing": tables.missing_table(comparison, workdir)}
    on_page, files = missing, missing
    shown: list[Shown] = []
    if comparison.panels:
        main = results.compute(comparison, reps)
        rest = [results.compute(other, reps) for other in others]
        pairs = results.over_baselines(comparison, reps)
        on_page = {
            "aggregates": tables.aggregate_table(main, rest),
            "improvement": tables.improvement_table(pairs),
            "runs": tables.run_table(comparison),
            **missing,
        }
        # Too long for a page.
        all_pairs = [*pairs, *results.other_pairs(comparison, reps)]
        measures = tables.diagnostics_table(comparison)
        files = {
            **on_page,
            "improvement": tables.improvement_table(all_pairs),
            "points": tables.curve_table(comparison),
            **({} if measures is None else {"measures": measures}),
        }
        for name, caption, figure in _figures(main, pairs, reps):
            _save(figure, out / name)
            shown.append(Shown(name, f"{caption}, {comparison.kind} returns"))
    for name, table in files.items():
        # As bytes, so that the ends of lines are the same on any system.
        (out / f"{name}.csv").write_bytes(table.to_csv().encode())
    content = comparison.title, _note(comparison, reps), shown, list(on_page.values())
    data = _csv_files(files)
    (out / _PAGE).write_text(html_page(*content, data=data, out=out))
    (out / "report.md").write_text(markdown_page(*content))
    if had_report:
        written = {*data, *_figure_files(figure.name for figure in shown)}
        for name in {*_csv_files(_TABLES), *_figure_files(_FIGURES)} - written:
            (out / name).unlink(missing_ok=True)


def _csv_files(names: Iterable[str]) -> list[str]:
    return [f"{name}.csv" for name in names]


def _figure_files(names: Iterable[str]) -> list[str]:
    return [f"{name}{suffix}" for name in names for suffix in (".png", ".pdf")]


def _figures(
    result: results.Results, pairs: Sequence[results.PanelPairs], reps: int
) -> Iterator[tuple[str, str, Figure]]:
    """Draws the figures, that of the study's form first: file name, caption, figure."""
    comparison = result.comparison
    curves, scores = curve_figures, score_figures
    drawn: list[tuple[str, str, Figure | None]] = [
        (
            "curves",
            "Score over length",
            curves.scores_over(comparison, "positions", reps),
        ),
        ("wall_time", "Score over time", curves.scores_over(comparison, "hours", reps)),
        ("games", "Returns of each game", curves.games(comparison)),
        ("diagnostics", "Diagnostics", curves.diagnostics(comparison)),
        ("aggregates", "Aggregates", scores.aggregates(result)),
        ("profiles", "Performance profiles", scores.profiles(comparison, reps)),
        (
            "improvement",
            "Probability of improvement",
            scores.improvements(comparison, pairs),
        ),
    ]
    if comparison.form == "scaling":
        caption = f"Score over {comparison.x_label.lower()}"
        drawn.append(("scaling", caption, scores.scaling(result)))
    drawn.sort(key=lambda entry: entry[0] != comparison.form)
    for name, caption, figure in drawn:
        if figure is not None:
            yield name, caption, figure


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path.with_suffix(".png"), dpi=130)
    # The layout of the PNG is kept: finding it takes most of the time.
    figure.set_layout_engine("none")
    figure.savefig(path.with_suffix(".pdf"))


def _normalisation(comparison: Comparison) -> str:
    """Says what each panel's scores are relative to."""
    panels: dict[str, list[str]] = {}
    for panel in comparison.panels:
        panels.setdefault(_NORMALIZATIONS[panel.normalization], []).append(panel.name)
    if len(panels) == 1:
        return next(iter(panels))
    return "; ".join(f"{what} (in {', '.join(of)})" for what, of in panels.items())


def _unequal_lengths(comparison: Comparison) -> Iterator[str]:
    """Says in which panels final scores are of runs of different lengths."""
    for panel in comparison.panels:
        ends = sorted(
            float(curve.positions[-1])
            for line in panel.lines
            if line.unit == panel.unit
            for game in panel.games
            for curve in line.curves[game].values()
        )
        # A run's last evaluation may be a little earlier than another's.
        if ends and ends[-1] > 1.01 * ends[0]:
            where = f" in {panel.name}" if len(comparison.panels) > 1 else ""
            yield (
                f"Final scores{where} are those at each run's own end, from "
                f"{ends[0]:,.0f} to {ends[-1]:,.0f} {panel.unit}"
            )


def _note(comparison: Comparison, reps: int) -> str:
    """Says what is shown, how, and what is missing."""
    parts = [
        f"Scores: {_KINDS[comparison.kind]}, {_normalisation(comparison)}, of "
        "finished runs, on the games that every line of a panel has; as many runs of "
        "each game as the game with the fewest has.",
        f"Intervals: 95 %, stratified bootstrap, {reps} draws. p: exact permutation "
        "test, stratified by game.",
    ]
    lines = [(line, panel.games) for panel in comparison.panels for line in panel.lines]
    if any(line.num_runs(games) == 1 for line, games in lines):
        parts.append("Lines with one run a game have no interval.")
    parts += [f"{text}." for text in _unequal_lengths(comparison)]
    versions = {
        version
        for line, games in lines
        for game in games
        for curve in line.curves[game].values()
        if curve.folder
        for version in curve.code_versions or ("unknown",)
    }
    if len(versions) > 1:
        parts.append(
            f"The runs were made with {len(versions)} versions of the code (runs.csv)."
        )
    left_out = sum(line.num_left_out(games) for line, games in lines)
    if left_out:
        parts.append(f"{left_out} finished runs are more than their line's games have.")
    if comparison.missing:
        parts.append(
            f"{len(comparison.missing)} entries are missing, listed at the end."
        )
    return " ".join(parts)
