"""Draws what came out of runs: figures, tables, and a page that shows them.

    acme-moe report --workdir=runs/figure_1 --out=runs/figure_1/report

--workdir is the folder of a study, or any folder with run folders below it. Without it
the report is of the files of --external, such as `points.csv` of another report:

    acme-moe report --external=docs/results/minatar/report/points.csv --out=report
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from acme_moe.cli.console import fail, parse_flags, show


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the report; returns the exit status."""
    workdir = flags.DEFINE_string("workdir", None, "Folder of the runs.")
    out = flags.DEFINE_string("out", None, "Folder of the report.", required=True)
    scores = flags.DEFINE_enum(
        "scores",
        "evaluation",
        ["evaluation", "training"],
        "What the figures show; the table of aggregates has both. Without --workdir, "
        "what the files' scores are of.",
    )
    # Not a list, of which only the last would count if several were given.
    external = flags.DEFINE_multi_string(
        "external",
        [],
        "CSV files with scores from elsewhere: game, seed, agent, frames, score (a "
        "mean return, not normalised).",
    )
    reps = flags.DEFINE_integer("reps", 2_000, "Draws of the bootstrap.", lower_bound=1)
    parse_flags(argv, __doc__)

    from acme_moe.disk import DiskError
    from acme_moe.folder_lock import FolderInUseError
    from acme_moe.reporting.report import write_report

    try:
        comparison = write_report(
            None if workdir.value is None else Path(workdir.value),
            Path(out.value),
            kind=scores.value,
            external=[Path(x) for text in external.value for x in text.split(",") if x],
            reps=reps.value,
        )
    except (DiskError, FolderInUseError, OSError, ValueError) as error:
        fail(error)
    lines = [panel.title.replace("\n", ": ") for panel in comparison.panels]
    lines += [f"missing: {x.run}: {x.reason}" for x in comparison.missing]
    show("\n".join([*lines, str(Path(out.value) / "report.html")]))
    return 0 if comparison.panels else 1


if __name__ == "__main__":
    sys.exit(main())
