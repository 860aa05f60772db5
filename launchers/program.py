"""What the launchers that run in one process have in common."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import config_flag
import outcome

if TYPE_CHECKING:
    from acme_moe.experiments.config import AnyExperiment
    from acme_moe.experiments.run import Run

ExperimentT = TypeVar("ExperimentT", bound="AnyExperiment")

_LAUNCHERS = {
    "Experiment": "launchers/train.py",
    "OfflineExperiment": "launchers/train_offline.py",
}


def load_experiment(
    kind: type[ExperimentT], workdir: Path | None = None
) -> ExperimentT:
    """The experiment of --config, or the end of the program with what is wrong.

    Args:
      kind: that the launcher runs.
      workdir: where a run may be that this one goes on with.
    """
    from acme_moe.experiments import config as config_lib

    try:
        experiment = config_lib.from_config_dict(config_flag.CONFIG.value)
        if workdir is not None:
            config_lib.check_continues(experiment, workdir)
    except ValueError as error:
        config_flag.fail(str(error))
    if not isinstance(experiment, kind):
        other = _LAUNCHERS[type(experiment).__name__]
        config_flag.fail(
            f"agent: {experiment.run.agent!r} is not accepted here; {other} trains it"
        )
    return experiment


def train(
    run_class: type[Run[ExperimentT]], experiment: ExperimentT, workdir: Path
) -> int:
    """Trains, or goes on training, and says how it ended.

    Returns:
      The program's exit status.
    """
    from acme_moe.experiments.checkpoints import DamagedCheckpointError
    from acme_moe.experiments.interrupts import InterruptedRunError
    from acme_moe.learning.learner import NonFiniteLossError
    from acme_moe.offline.files import DatasetError

    try:
        with run_class(experiment, workdir) as run:
            if run.position:
                print(
                    f"going on after {run.position} {experiment.unit}", file=sys.stderr
                )
            summary = run.run()
    except InterruptedRunError as interrupt:
        return outcome.interrupted(
            str(interrupt),
            interrupt.signum,
            f"{run.position} {experiment.unit}",
            workdir,
        )
    except (NonFiniteLossError, DamagedCheckpointError, DatasetError) as error:
        return outcome.failed(error)
    return outcome.finished(summary, workdir)
