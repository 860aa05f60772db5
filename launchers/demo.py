"""Trains a small DQN with Soft MoE on a real game, and shows what came of it.

    python launchers/demo.py --workdir=runs/demo

What `make demo` runs. Takes less than five minutes on two cores.
"""

import itertools
import sys
from pathlib import Path

import config_flag
import program
from absl import flags

flags.adopt_module_key_flags(config_flag)


def main() -> int:
    """Trains, draws the curve, and prints the table."""
    from acme_moe import memory

    memory.keep_freed()

    from acme_moe.environments import SCORES
    from acme_moe.experiments.config import Experiment

    workdir = Path(config_flag.WORKDIR.value)
    experiment = program.load_experiment(Experiment)
    # A demonstration is of a run from its start, and no earlier one is lost to it.
    for number in itertools.count(2):
        if not (workdir / "config.json").exists():
            break
        workdir = Path(f"{config_flag.WORKDIR.value}-{number}")

    from acme_moe.experiments.interrupts import InterruptedRunError
    from acme_moe.experiments.training import TrainingRun
    from acme_moe.reporting.curve import describe, plot_curve
    from acme_moe.reporting.runs import read_run

    try:
        with TrainingRun(experiment, workdir) as training:
            summary = training.run()
    except InterruptedRunError as interrupt:
        print(f"\n{interrupt}: stopped", file=sys.stderr)
        return 128 + interrupt.signum

    run = read_run(workdir)
    curve = workdir / "curve.png"
    plot_curve(run, curve)
    score = SCORES[summary["game"]]
    rows = [
        ("trained", f"{describe(run)} on {summary['game']}"),
        ("agent steps", f"{summary['agent_steps']:,} (4 frames each)"),
        ("updates", f"{summary['learner_steps']:,}"),
        ("agent steps/s", f"{summary['agent_steps_per_second']:.0f}"),
        ("milliseconds an update", f"{summary['learner_step_ms']:.1f}"),
        ("wall time", f"{summary['wall_seconds']:.0f} s"),
        ("evaluation return", f"{summary['evaluation_return_mean']:.1f}"),
        ("random play's", f"{score.random:.1f}"),
        ("human's", f"{score.human:.1f}"),
        (
            "human-normalised score",
            f"{summary['evaluation_human_normalized_score']:.3f}",
        ),
        ("curve", str(curve)),
    ]
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    return 0


if __name__ == "__main__":
    config_flag.run(main, default="configs/dqn_demo.py")
