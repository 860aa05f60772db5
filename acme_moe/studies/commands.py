"""The commands that run cells, for a shell and for SLURM."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from acme_moe.studies import locks
from acme_moe.studies.plan import Cell
from acme_moe.studies.state import LOG_NAME


def command(cell: Cell, workdir: Path, root: Path, python: str) -> list[str]:
    """The command of a run; it goes on with one that was stopped.

    Args:
      cell: the run.
      workdir: the study's folder.
      root: the repository.
      python: the interpreter.
    """
    fields = [f"--config.{name}={value}" for name, value in cell.settings.items()]
    return [
        python,
        str(root / cell.launcher),
        f"--config={root / cell.config}",
        f"--workdir={workdir / cell.name}",
        *fields,
    ]


def shell_line(cell: Cell, workdir: Path, root: Path, python: str) -> str:
    """One line of shell that makes a run's folder, locks it and runs."""
    folder = workdir / cell.name
    words = shlex.join(command(cell, workdir, root, python))
    lock, log = folder / locks.FILE_NAME, folder / LOG_NAME
    return (
        f"mkdir -p {shlex.quote(str(folder))} && flock -n {shlex.quote(str(lock))} "
        f"{words} > {shlex.quote(str(log))} 2>&1"
    )


def slurm_script(
    cells: Sequence[Cell],
    workdir: Path,
    root: Path,
    python: str,
    *,
    name: str,
    at_once: int,
) -> str:
    """A SLURM batch script, a task of its array for each run.

    Args:
      cells: the runs.
      workdir: the study's folder.
      root: the repository.
      python: the interpreter.
      name: of the job.
      at_once: how many tasks may run at once.
    """
    cases = "\n".join(
        f"  {task}) line={shlex.quote(shell_line(cell, workdir, root, python))} ;;"
        for task, cell in enumerate(cells)
    )
    return f"""#!/bin/bash
# {len(cells)} runs. Time, memory and partition are the cluster's; give them to sbatch.
# Where arrays may be no longer than N, submit parts of it: sbatch --array=0-{{N-1}},
# then with --export=ALL,OFFSET=N, and so on.
#SBATCH --job-name={name}
#SBATCH --array=0-{len(cells) - 1}%{at_once}
#SBATCH --signal=TERM@120
#SBATCH --gres=gpu:1
cd {shlex.quote(str(root))} || exit 1
case $((SLURM_ARRAY_TASK_ID + ${{OFFSET:-0}})) in
{cases}
  *) echo "no such task" >&2; exit 2 ;;
esac
srun bash -c "$line"
"""
