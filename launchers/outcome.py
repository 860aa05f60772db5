"""What the launchers of training print when a run is over, and their exit status."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any


def interrupted(name: str, signum: int, done: str, workdir: Path) -> int:
    """After a signal: what was saved, and the command that goes on.

    Args:
      name: of the signal.
      signum: its number.
      done: what is saved, such as "400 agent steps".
      workdir: the run's folder.
    """
    python = os.path.relpath(sys.executable)
    if python.startswith(".."):
        python = sys.executable
    command = shlex.join([python, sys.argv[0], f"--workdir={workdir}"])
    print(
        f"\n{name}: saved after {done}. To go on:\n  {command}",
        file=sys.stderr,
    )
    return 128 + signum


def failed(error: Exception) -> int:
    """After an error that the user has to know of."""
    print(f"error: {error}", file=sys.stderr)
    return 1


def finished(summary: dict[str, Any], workdir: Path) -> int:
    """After the last step: what the run came to."""
    mean = summary["evaluation_return_mean"]
    counts = [f"{summary['learner_steps']} updates"]
    if summary["agent_steps"]:
        counts.insert(0, f"{summary['agent_steps']} agent steps")
    print(
        f"{summary['agent']} on {summary['game']}: {', '.join(counts)} "
        f"in {summary['wall_seconds']:.0f} s"
        + ("" if mean is None else f"; evaluation return {mean:g}")
        + f"\n{workdir}"
    )
    return 0
