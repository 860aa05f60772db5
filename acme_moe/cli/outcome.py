"""The ends of the commands that train: what they print, and their exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acme_moe.cli.run_flags import RunFlags
    from acme_moe.disk import DiskError
    from acme_moe.processes import InterruptedRunError
    from acme_moe.runs.run import Run
    from acme_moe.runs.spec import RunSpec


def train(
    run_class: Callable[[Any, Path], AbstractContextManager[Run[Any]]],
    spec: RunSpec,
    given: RunFlags,
    tell: Callable[[dict[str, Any], Path], int] | None = None,
) -> int:
    """Trains in this process, or resumes, and says how it ended.

    Args:
      run_class: class of the run.
      spec: the run.
      given: the flags, for the folder and for the command that resumes it.
      tell: prints the result and returns the exit status, in place of `finished`.

    Returns:
      The program's exit status.
    """
    from acme_moe.disk import DiskError
    from acme_moe.processes import InterruptedRunError
    from acme_moe.runs.errors import permanent_errors
    from acme_moe.runs.finished import find_finished

    try:
        summary = find_finished(spec, given.workdir)
        if summary is None:
            with run_class(spec, given.workdir) as run:
                if run.position:
                    print(f"resuming after {run.position} {spec.unit}", file=sys.stderr)
                summary = run.run()
    except InterruptedRunError as interrupt:
        return interrupted(interrupt, f"{run.position} {spec.unit}", given)
    except DiskError as error:
        return out_of_room(error, given)
    except permanent_errors() as error:
        return failed(error)
    return (tell or finished)(summary, given.workdir)


def interrupted(interrupt: InterruptedRunError, done: str, given: RunFlags) -> int:
    """Tells what was saved after a signal, and the command that resumes.

    Args:
      interrupt: names the signal.
      done: what is saved, such as "400 agent steps".
      given: the flags.

    Returns:
      The exit status that a shell gives such a signal.
    """
    print(
        f"\n{interrupt}: saved after {done}. To resume:\n  {given.resume_command}",
        file=sys.stderr,
    )
    return 128 + interrupt.signum


def out_of_room(error: DiskError, given: RunFlags) -> int:
    """Tells what could not be written, and the command that resumes, if there is one.

    Returns the exit status.
    """
    message = f"\nerror: {error}"
    if (given.workdir / "config.json").exists():
        message += f". To resume once it can be:\n  {given.resume_command}"
    print(message, file=sys.stderr)
    return 1


def failed(error: Exception) -> int:
    """Prints an error that needs no traceback; returns the exit status."""
    print(f"error: {error}", file=sys.stderr)
    return 1


def finished(summary: dict[str, Any], workdir: Path) -> int:
    """Prints the result of a run that is finished; returns the exit status."""
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
