"""Draws what came out of runs: figures, tables, and a page that shows them.

    python launchers/report.py --workdir=runs/figure_1 --out=runs/figure_1/report

--workdir is the folder of a study, or any folder with run folders below it.
"""

from pathlib import Path

import console
from absl import app, flags
from console import fail

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the runs.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder of the report.", required=True)
_SCORES = flags.DEFINE_enum(
    "scores",
    "evaluation",
    ["evaluation", "training"],
    "What the figures show; the table of aggregates has both.",
)
_EXTERNAL = flags.DEFINE_string(
    "external",
    None,
    "CSV file with scores from elsewhere: game, seed, agent, frames, score (a mean "
    "return, not normalised).",
)
_REPS = flags.DEFINE_integer("reps", 2_000, "Draws of the bootstrap.", lower_bound=1)


def main(argv: list[str]) -> int:
    """Writes the report."""
    if len(argv) > 1:
        fail(f"{argv[1]!r} is not a flag")

    console.be_quiet()
    from acme_moe.reporting.report import write_report

    try:
        comparison = write_report(
            Path(_WORKDIR.value),
            Path(_OUT.value),
            kind=_SCORES.value,
            external=Path(_EXTERNAL.value) if _EXTERNAL.value else None,
            reps=_REPS.value,
        )
    except (FileNotFoundError, ValueError) as error:
        fail(str(error))
    for panel in comparison.panels:
        print(panel.title.replace("\n", ": "))
    for missing in comparison.missing:
        print(f"missing: {missing.run}: {missing.reason}")
    print(Path(_OUT.value) / "report.html")
    return 0 if comparison.panels else 1


if __name__ == "__main__":
    app.run(main)
