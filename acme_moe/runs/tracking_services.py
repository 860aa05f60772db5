"""The services that show many runs side by side: Weights & Biases, and MLflow.

A resumed run continues its run at the service, whose id it keeps in its folder. A
service's package is imported only if the service is asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from acme_moe import files

Row = Mapping[str, float]
"""Numbers by name: those of a logger, with the position in the run among them."""

_PROJECT = "acme_moe"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What a service is told of a run.

    Attributes:
      folder: folder of the run, whose name is also the run's at the service.
      steps_key: name of the value that is a row's position in the run.
      config: the run's settings, by dotted name.
    """

    folder: Path
    steps_key: str
    config: Mapping[str, Any]

    def read_id(self, service: str) -> str | None:
        """Returns the id of this run at a service, None before it has one."""
        with contextlib.suppress(FileNotFoundError):
            return self._id_file(service).read_text().strip()
        return None

    def keep_id(self, service: str, run_id: str) -> None:
        """Writes the id for the runs that resume this one."""
        files.write_text(self._id_file(service), run_id + "\n")

    def _id_file(self, service: str) -> Path:
        return self.folder / f"{service}_run_id.txt"


class Tracker(Protocol):
    """A run at a service."""

    def log(self, row: Row) -> None:
        """Takes a row; its names begin with that of their log, as `learner/loss`."""

    def finish(self, status: str) -> None:
        """Ends it, as `finished`, `interrupted`, or `failed: ` and why."""


class _WandbTracker:
    """A run at Weights & Biases; obeys `WANDB_MODE` and its other variables."""

    def __init__(self, run: TrackedRun) -> None:
        import wandb

        known = run.read_id("wandb")
        run_id = known or uuid.uuid4().hex[:12]
        run.keep_id("wandb", run_id)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=os.environ.get("WANDB_NAME", run.folder.name),
            id=run_id,
            # Not always: in offline mode wandb warns if asked to resume.
            resume="allow" if known else None,
            dir=run.folder,
            config=dict(run.config),
            # The terminal has a progress line of its own.
            settings=wandb.Settings(console="off", silent=True),
        )
        # Not wandb's own step, which may not go back: a run that resumes goes back to
        # its checkpoint.
        self._run.define_metric("*", step_metric=run.steps_key)

    def log(self, row: Row) -> None:
        self._run.log(dict(row))

    def finish(self, status: str) -> None:
        self._run.finish(exit_code=0 if status == "finished" else 1)


class _MlflowTracker:
    """A run at MLflow; obeys `MLFLOW_TRACKING_URI` and its other variables."""

    _STATUS: Mapping[str, str] = {"finished": "FINISHED", "interrupted": "KILLED"}

    def __init__(self, run: TrackedRun) -> None:
        from mlflow import entities
        from mlflow.tracking import MlflowClient

        self._entities = entities
        self._client = MlflowClient()
        self._steps_key = run.steps_key
        run_id = run.read_id("mlflow")
        if run_id is None:
            run_id = self._client.create_run(
                self._experiment(), run_name=run.folder.name
            ).info.run_id
            run.keep_id("mlflow", run_id)
        else:
            self._client.update_run(run_id, status="RUNNING")
        self._run_id: str = run_id
        # MLflow refuses to change a parameter, so a changed setting becomes a tag.
        params = self._client.get_run(run_id).data.params
        new = [
            entities.Param(name, str(value))
            for name, value in run.config.items()
            if name not in params
        ]
        if new:
            self._client.log_batch(run_id, params=new)
        for name, value in run.config.items():
            if params.get(name, str(value)) != str(value):
                self._client.set_tag(run_id, name, str(value))

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT)
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            experiment_id: str = self._client.create_experiment(name)
            return experiment_id
        return str(experiment.experiment_id)

    def log(self, row: Row) -> None:
        step, now = int(row.get(self._steps_key, 0)), int(time.time() * 1_000)
        metrics = [
            self._entities.Metric(name, value, now, step)
            for name, value in row.items()
            if name != self._steps_key
        ]
        self._client.log_batch(self._run_id, metrics=metrics)

    def finish(self, status: str) -> None:
        self._client.set_terminated(self._run_id, self._STATUS.get(status, "FAILED"))


SERVICES: Mapping[str, Callable[[TrackedRun], Tracker]] = {
    "wandb": _WandbTracker,
    "mlflow": _MlflowTracker,
}
"""What opens the run of a service; each name is a package's, and an extra's."""
