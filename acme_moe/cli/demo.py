"""Trains a small DQN with Soft MoE on a real game, and shows what came of it.

    acme-moe demo --workdir=runs/demo

Takes less than five minutes on two cores. It never resumes a run: if the folder holds
one, a new folder is made beside it.
"""

import dataclasses
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acme_moe import compilation, memory
from acme_moe.cli import outcome, run_flags


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, draws the curve and prints the table; returns the exit status."""
    given = run_flags.parse(argv, __doc__, default="dqn_demo")
    memory.keep_freed()
    compilation.keep()

    from acme_moe.runs.spec import OnlineRunSpec

    spec = given.load_spec(OnlineRunSpec, resumes=False)

    from acme_moe.runs.online import OnlineRun

    given = dataclasses.replace(
        given,
        workdir=_new_folder(given.workdir),
        # The program that resumes it; `demo` itself always starts anew.
        program=(sys.executable, "-m", "acme_moe.cli.train"),
    )
    return outcome.train(OnlineRun, spec, given, tell=_show)


def _show(summary: dict[str, Any], workdir: Path) -> int:
    """Draws the curve and prints the table."""
    import tabulate

    from acme_moe.environments import find_suite
    from acme_moe.reporting.run_figure import draw_curve
    from acme_moe.reporting.runs import describe, read_run

    run = read_run(workdir)
    curve = workdir / "curve.png"
    draw_curve(run).savefig(curve, dpi=120)
    reference = find_suite(run.suite).scores.get(summary["game"])
    step_ms = summary["learner_step_ms"]
    evaluation = summary["evaluation_return_mean"]
    frames = f" ({run.frame_skip} frames each)" if run.frame_skip > 1 else ""
    normalized = summary["evaluation_human_normalized_score"]
    rows = [
        ("trained", f"{describe(run)} on {summary['game']}"),
        ("agent steps", f"{summary['agent_steps']:,}{frames}"),
        ("updates", f"{summary['learner_steps']:,}"),
        ("agent steps/s", f"{summary['agent_steps_per_second']:.0f}"),
        *([] if step_ms is None else [("milliseconds an update", f"{step_ms:.1f}")]),
        ("wall time", f"{summary['wall_seconds']:.0f} s"),
        *([] if evaluation is None else [("evaluation return", f"{evaluation:.1f}")]),
    ]
    if reference is not None:
        rows += [
            ("random play's", f"{reference.random:.1f}"),
            ("human's", f"{reference.human:.1f}"),
        ]
    if normalized is not None:
        rows.append(("human-normalised score", f"{normalized:.3f}"))
    rows.append(("curve", str(curve)))
    print("\n" + tabulate.tabulate(rows, tablefmt="plain", disable_numparse=True))
    return 0


def _new_folder(folder: Path) -> Path:
    """Returns a folder that holds no run, since a demonstration starts anew."""
    candidates = (Path(f"{folder}-{number}") for number in itertools.count(2))
    return next(
        path
        for path in itertools.chain([folder], candidates)
        if not (path / "config.json").exists()
    )


if __name__ == "__main__":
    sys.exit(main())
