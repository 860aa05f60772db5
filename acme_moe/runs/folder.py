"""What a run leaves: settings, summary, scores and logs in one folder.

    config.json      every setting; enough to run it again
    summary.json     the results so far, rewritten while the run lasts
    scores.csv       a row for each episode of training and of evaluation
    learner.csv      the learner's log
    diagnostics.csv  what the run measured of its network; only where it is asked for
    tensorboard/     the logs as event files
    wandb/           data for Weights & Biases; only where they are asked for
    checkpoints/     see `acme_moe.runs.checkpoint`
    recorder_id.txt  identifies the set that the run records as its own
    *_run_id.txt     the run's id at a tracking service

A run of many processes adds `distributed.json`, its flags; `coordinator.json`, the
state of its launch; and `logs/`. Whatever reads results reads these files and nothing
else.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from acme.utils import loggers

from acme_moe import disk, fields, files
from acme_moe.runs import config as config_lib
from acme_moe.runs import csv_rows, tracking, tracking_services
from acme_moe.runs.best_effort import BestEffortLogger, FunctionLogger, Warnings
from acme_moe.runs.code_version import CODE_VERSION
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.platform_name import find_platform
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState
from acme_moe.runs.tensorboard import EventLogger

SCORES_FIELDS = (
    "agent_steps",
    "learner_steps",
    "kind",
    "episode",
    "episode_return",
    "episode_length",
    "human_normalized_score",
    "wall_seconds",
)

_SAVED = ("finished", "interrupted")


class RunFolder:
    """The folder of one run."""

    def __init__(
        self,
        path: Path,
        spec: RunSpec,
        track: Callable[[str, dict[str, float]], None] | None = None,
    ) -> None:
        """Makes the folder where it is missing.

        Args:
          path: path of the folder.
          spec: the run.
          track: used in place of the method, where another process has the services.
        """
        self.path = path
        self._spec = spec
        self._loggers = tracking.parse_loggers(spec.run.loggers)
        self._trackers = tracking.Trackers(self._loggers, self._tracked_run)
        self._track = track or self._trackers.log
        self._status = "running"
        self._open_files: list[Any] = []
        self._warnings = Warnings()
        # Rows and columns of `scores.csv`.
        self._unwritten: list[dict[str, Any]] = []
        self._columns: Sequence[str] = SCORES_FIELDS
        with disk.writing(path):
            path.mkdir(parents=True, exist_ok=True)

    def write_config(self) -> None:
        """Writes `config.json`."""
        files.write_text(self.path / "config.json", config_lib.config_json(self._spec))

    def write_summary(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Writes `summary.json`, or warns that it cannot.

        Returns:
          The summary with the versions of the code and the platforms that the run was
          made with.

        Raises:
          DiskError: replaces the warning if the run is over and saved.
        """
        path = self.path / "summary.json"
        summary = {**summary, **self._made_with}
        self._status = summary["status"]
        if self._status in _SAVED:
            files.write_json(path, summary)
            return summary
        with self._warnings.instead(path):
            files.write_json(path, summary)
        return summary

    @functools.cached_property
    def _made_with(self) -> dict[str, list[str]]:
        """This process's version and platform, after those of the ones before it."""
        summary = files.read_json_if_whole(self.path / "summary.json")
        # Runs did not always tell.
        untold = ["unknown"] if summary else []
        return {
            key: list(dict.fromkeys([*summary.get(key, untold), *of_this]))
            for key, of_this in _of_this_process().items()
        }

    def forget_scores_after(self, state: RunState) -> None:
        """Drops the rows of `scores.csv` that a run resumed at `state` writes again.

        If that is its start, also the versions and platforms that the summary lists.
        """
        if not (state.agent_steps or state.learner_steps):
            # Nothing is left of what an earlier process began.
            self._made_with = _of_this_process()

        def was_scored(row: dict[str, Any]) -> bool:
            if row.get("kind") == "evaluation":
                # An evaluation may come after a checkpoint of the same position.
                return csv_rows.at_most(row, self._spec.steps_key, state.evaluated_at)
            return csv_rows.at_most(row, "agent_steps", state.agent_steps)

        path = self.path / "scores.csv"
        # It may have a column of the user's.
        columns = csv_rows.rewrite(path, was_scored, SCORES_FIELDS)
        self._columns = columns or SCORES_FIELDS
        self._unwritten = list(filter(was_scored, self._unwritten))

    def forget_updates_after(self, state: RunState) -> None:
        """Drops the rows of the logs that a run resumed at `state` writes again."""

        def was_logged(row: dict[str, str]) -> bool:
            return csv_rows.at_most(row, "learner_steps", state.learner_steps)

        def was_measured(row: dict[str, str]) -> bool:
            # A measurement may lie between the checkpoint and the next update.
            position = self._spec.position(state)
            return was_logged(row) and csv_rows.at_most(
                row, self._spec.steps_key, position
            )

        csv_rows.rewrite(self.path / "learner.csv", was_logged)
        csv_rows.rewrite(self.path / "diagnostics.csv", was_measured)

    def add_score(
        self, state: RunState, kind: str, episode: int, result: EpisodeResult
    ) -> None:
        """Appends an episode to `scores.csv`.

        A row that cannot be written is kept, and written with the next one.

        Args:
          state: state of the run when the episode ended.
          kind: `training` or `evaluation`.
          episode: counts within its kind and evaluation, from 1.
          result: result of the episode; its normalised score is left empty where the
            suite has no reference scores.
        """
        if kind == "training":
            self._track_scores(state, kind, [result])
        self._unwritten.append(
            {
                "agent_steps": state.agent_steps,
                "learner_steps": state.learner_steps,
                "kind": kind,
                "episode": episode,
                "episode_return": result.episode_return,
                "episode_length": result.episode_length,
                "human_normalized_score": self._spec.normalized_score(
                    result.episode_return
                ),
                "wall_seconds": state.wall_seconds,
            }
        )
        try:
            self.write_scores()
        except disk.DiskError as error:
            self._warnings.warn(
                f"{error}; {len(self._unwritten)} rows are kept until there is room"
            )

    def add_evaluation(self, state: RunState, results: Sequence[EpisodeResult]) -> None:
        """Appends the episodes of an evaluation to `scores.csv`; see `add_score`."""
        for episode, result in enumerate(results, 1):
            self.add_score(state, "evaluation", episode, result)
        self._track_scores(state, "evaluation", results)

    def _track_scores(
        self, state: RunState, kind: str, results: Sequence[EpisodeResult]
    ) -> None:
        """Sends the means of some episodes to the services that were asked for."""
        if not self._trackers.names:
            return
        mean = statistics.fmean(result.episode_return for result in results)
        score = self._spec.normalized_score(mean)
        row = {
            self._spec.steps_key: self._spec.position(state),
            "episode_return": mean,
            "episode_length": statistics.fmean(r.episode_length for r in results),
            "wall_seconds": state.wall_seconds,
        }
        if score is not None:
            row["human_normalized_score"] = score
        self._track(kind, row)

    def track(self, label: str, row: dict[str, float]) -> None:
        """Sends a row to the services that were asked for; see `Trackers.log`."""
        self._trackers.log(label, row)

    def _tracked_run(self) -> tracking_services.TrackedRun:
        return tracking_services.TrackedRun(
            folder=self.path.absolute(),
            steps_key=self._spec.steps_key,
            config=dict(fields.flat(json.loads(config_lib.config_json(self._spec)))),
        )

    def write_scores(self) -> None:
        """Writes the rows of `scores.csv` that have not been written yet.

        Raises:
          DiskError: if they cannot be; they are kept.
        """
        if not self._unwritten:
            return
        path = self.path / "scores.csv"
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns)
        # A full disk may have taken the file's name and nothing in it.
        if not path.exists() or not path.stat().st_size:
            writer.writeheader()
        writer.writerows(self._unwritten)
        files.append_text(path, text.getvalue())
        self._unwritten.clear()

    def sync_scores(self) -> None:
        """Waits until the rows of `scores.csv` are on the disk.

        Raises:
          DiskError: if they cannot be.
        """
        path = self.path / "scores.csv"
        with disk.writing(path):
            if path.exists():
                files.sync(path)

    def make_logger(self, label: str, *_: Any, **__: Any) -> loggers.Logger:
        """Makes a logger that drops rows by time; an Acme logger factory."""
        logger = self.make_full_logger(label, flush_every=10)
        return loggers.TimeFilter(logger, self._spec.run.log_every_seconds)

    def make_full_logger(self, label: str, flush_every: int = 1) -> loggers.Logger:
        """Makes a logger that writes every row wherever the settings say.

        Args:
          label: names the file `LABEL.csv`, and comes before each name elsewhere.
          flush_every: rows between two flushes; as many may be lost with the process.
        """
        csv_path, events = self.path / f"{label}.csv", self.path / "tensorboard"

        def make_csv(first: Mapping[str, Any]) -> loggers.Logger:
            columns = csv_rows.add_columns(csv_path, first)
            file = csv_path.open("a", newline="")
            self._open_files.append(file)
            logger = loggers.CSVLogger(file, flush_every=flush_every)
            # The logger goes by the names of its first row, not by the file's header.
            blank = dict.fromkeys(columns, "")
            return FunctionLogger(lambda row: logger.write({**blank, **row}))

        def make_events(_: Mapping[str, Any]) -> loggers.Logger:
            logger = EventLogger(events, label, self._spec.steps_key)
            self._open_files.append(logger)
            return logger

        sinks: list[loggers.Logger] = []
        if "csv" in self._loggers:
            sinks.append(BestEffortLogger(csv_path, make_csv))
        if "tensorboard" in self._loggers:
            sinks.append(BestEffortLogger(events, make_events))
        if self._trackers.names:
            sinks.append(FunctionLogger(functools.partial(self._track, label)))
        return loggers.Dispatcher(sinks, _to_host)

    def close(self) -> None:
        """Closes the files of the loggers, and ends the run at the services."""
        self._trackers.close(self._status)
        for file in self._open_files:
            with self._warnings.instead(self.path):
                file.close()


def _to_host(values: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value).item() for name, value in values.items()}


def _of_this_process() -> dict[str, list[str]]:
    return {"code_versions": [CODE_VERSION], "platforms": [find_platform()]}
