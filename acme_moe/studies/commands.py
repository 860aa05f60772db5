"""The commands that train planned runs, for a process, a shell and SLURM."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from acme_moe.studies import locks
from acme_moe.studies.planned_runs import PlannedRun
from acme_moe.studies.state import LOG_NAME

# From the warning to the time limit: long enough to checkpoint a full replay.
_WARNING_SECONDS = 120


def command(run: PlannedRun, workdir: Path) -> list[str]:
    """Returns the command of a run, which resumes one that was stopped."""
    fields = [f"--config.{name}={value}" for name, value in run.settings.items()]
    return [
        *(sys.executable, "-m", f"acme_moe.cli.{run.command}"),
        f"--config={run.config}",
        f"--workdir={workdir / run.name}",
        *fields,
    ]


def shell_line(run: PlannedRun, workdir: Path) -> str:
    """Returns one line of shell that makes a run's folder, locks it and trains."""
    return f"( {_locked(run, workdir)} )"


def _locked(run: PlannedRun, workdir: Path) -> str:
    """Returns shell code that becomes a run, unless another process has its lock.

    If a shell or a `flock` stayed around the run, a queue would signal it and wait for
    it instead, and the run would be killed before it has saved.
    """
    folder = workdir / run.name
    words = shlex.join(command(run, workdir))
    path, lock, log = (
        shlex.quote(str(x))
        for x in (folder, folder / locks.FILE_NAME, folder / LOG_NAME)
    )
    taken = shlex.quote(f"{run.name}: another process runs it")
    return (
        f"mkdir -p {path} && exec 9>> {lock} || exit 1; "
        f"flock -n 9 || {{ echo {taken} >&2; exit 1; }}; "
        f"exec {words} > {log} 2>&1"
    )


def slurm_script(
    runs: Sequence[PlannedRun], workdir: Path, start: Path, *, name: str, at_once: int
) -> str:
    """Returns a SLURM batch script with one array task for each run.

    A task whose node fails waits for another one, and one that reaches its time limit
    saves and goes on in a later turn.

    Args:
      runs: the runs, one at least.
      workdir: the study's folder.
      start: the folder in which the commands start, for paths that are relative.
      name: name of the job.
      at_once: how many tasks may run at once.
    """
    cases = "\n".join(
        f"  {task}) line={shlex.quote(_locked(run, workdir))} ;;"
        for task, run in enumerate(runs)
    )
    return f"""#!/bin/bash
# {len(runs)} runs. Time, memory and partition are the cluster's; give them to sbatch.
# Where arrays may be no longer than N, submit parts of it: sbatch --array=0-{{N-1}},
# then with --export=ALL,OFFSET=N, and so on.
#SBATCH --job-name={shlex.quote(name)}
#SBATCH --array=0-{len(runs) - 1}%{at_once}
#SBATCH --gres=gpu:1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@{_WARNING_SECONDS}
cd {shlex.quote(str(start))} || exit 1
case $((SLURM_ARRAY_TASK_ID + ${{OFFSET:-0}})) in
{cases}
  *) echo "no such task" >&2; exit 2 ;;
esac
# A step has one CPU unless it is told otherwise, whatever sbatch was given.
srun --cpus-per-task="${{SLURM_CPUS_PER_TASK:-1}}" bash -c "$line"
status=$?
# The run was warned of the time limit and has saved: it goes on in a later turn.
[ $status -ne 143 ] || exec scontrol requeue "$SLURM_JOB_ID"
exit $status
"""
