"""What a run leaves: settings, summary, scores and logs in one folder.

    config.json      every setting; enough to run it again
    summary.json     what came out so far, rewritten while the run lasts
    scores.csv       a row an episode, of training and of evaluation
    learner.csv      the learner's log
    diagnostics.csv  what the run measured of its network; only where it is asked for
    tensorboard/     the same as event files
    checkpoints/     see `acme_moe.runs.checkpoints`

Whatever reads results reads this and nothing else.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging
from acme.utils import loggers

from acme_moe import disk, files
from acme_moe.runs import config as config_lib
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.events import EventLogger
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState

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
_WARN_EVERY_SECONDS = 60.0
_LOGS = ("learner.csv", "diagnostics.csv")
# Columns of runs from before they had today's names.
_RENAMED = {"actor_steps": "agent_steps"}


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path, spec: RunSpec) -> None:
        """Makes the folder where it is missing.

        Args:
          path: of the folder.
          spec: the run.
        """
        self.path = path
        self._spec = spec
        self._open_files: list[Any] = []
        self._warnings = _Warnings()
        # Rows of `scores.csv`.
        self._unwritten: list[tuple[Any, ...]] = []
        with disk.writing(path):
            path.mkdir(parents=True, exist_ok=True)

    def write_config(self) -> None:
        """Writes `config.json`."""
        files.write_text(self.path / "config.json", config_lib.config_json(self._spec))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Writes `summary.json`; where there is no room, only the last one matters.

        Raises:
          DiskError: if there is no room for that of a run that is over and saved.
        """
        path = self.path / "summary.json"
        if summary["status"] in _SAVED:
            files.write_json(path, summary)
            return
        with self._warnings.instead(path):
            files.write_json(path, summary)

    def forget_scores_after(self, state: RunState) -> None:
        """Drops the rows of `scores.csv` that a run resumed there writes again."""

        def was_scored(row: dict[str, str]) -> bool:
            if row.get("kind") == "evaluation":
                # An evaluation may come after a checkpoint of the same position.
                return _at_most(row, self._spec.steps_key, state.evaluated_at)
            return _at_most(row, "agent_steps", state.agent_steps)

        _rewrite(self.path / "scores.csv", was_scored, SCORES_FIELDS)

    def forget_updates_after(self, state: RunState) -> None:
        """Drops the rows of the logs that a run resumed there writes again."""
        for log in _LOGS:
            _rewrite(
                self.path / log,
                lambda row: _at_most(row, "learner_steps", state.learner_steps),
            )

    def add_score(
        self, state: RunState, kind: str, episode: int, result: EpisodeResult
    ) -> None:
        """Appends an episode to `scores.csv`.

        Args:
          state: of the run, when the episode ended.
          kind: `training` or `evaluation`.
          episode: counts within its kind and evaluation, from 1.
          result: of the episode, whose normalised score is left empty where the suite
            has no reference scores.

        A row that there is no room for is kept, and written with the next one.
        """
        self._unwritten.append(
            (
                state.agent_steps,
                state.learner_steps,
                kind,
                episode,
                result.episode_return,
                result.episode_length,
                self._spec.normalized_score(result.episode_return),
                state.wall_seconds,
            )
        )
        try:
            self.write_scores()
        except disk.DiskError as error:
            self._warnings.warn(
                f"{error}; {len(self._unwritten)} rows are kept until there is room"
            )

    def write_scores(self) -> None:
        """Writes the rows of `scores.csv` that there was no room for before.

        Raises:
          DiskError: if there still is none.
        """
        if not self._unwritten:
            return
        path = self.path / "scores.csv"
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if not path.exists():
            writer.writerow(SCORES_FIELDS)
        writer.writerows(self._unwritten)
        files.append_text(path, text.getvalue())
        self._unwritten.clear()

    def make_logger(self, label: str, *_: Any, **__: Any) -> loggers.Logger:
        """Makes a logger that drops rows by time; an Acme logger factory."""
        logger = self.make_full_logger(label, flush_every=10)
        return loggers.TimeFilter(logger, self._spec.run.log_every_seconds)

    def make_full_logger(self, label: str, flush_every: int = 1) -> loggers.Logger:
        """Makes a logger of every row to `LABEL.csv` and TensorBoard.

        Args:
          label: names both.
          flush_every: rows that may be lost with the process.
        """
        csv_path, events = self.path / f"{label}.csv", self.path / "tensorboard"

        def make_csv() -> loggers.Logger:
            file = csv_path.open("a", newline="")
            self._open_files.append(file)
            return loggers.CSVLogger(file, flush_every=flush_every)

        def make_events() -> loggers.Logger:
            logger = EventLogger(events, label, self._spec.steps_key)
            self._open_files.append(logger)
            return logger

        return loggers.Dispatcher(
            [_SparingLogger(csv_path, make_csv), _SparingLogger(events, make_events)],
            _to_host,
        )

    def close(self) -> None:
        """Closes the files of the loggers."""
        for file in self._open_files:
            with self._warnings.instead(self.path):
                file.close()


class _Warnings:
    """Warns of what could not be written, once a minute."""

    def __init__(self) -> None:
        self._warned_at = -math.inf

    def warn(self, message: str) -> None:
        """Logs a message, unless the last one was less than a minute ago."""
        if time.monotonic() - self._warned_at > _WARN_EVERY_SECONDS:
            logging.warning("%s", message)
            self._warned_at = time.monotonic()

    @contextlib.contextmanager
    def instead(self, path: Path) -> Iterator[None]:
        """Turns a failed write to a path into a warning."""
        try:
            with disk.writing(path):
                yield
        except disk.DiskError as error:
            self.warn(str(error))


class _SparingLogger(loggers.Logger):
    """Goes without a row that there is no room for; a run needs none of its logs."""

    def __init__(self, path: Path, make: Callable[[], loggers.Logger]) -> None:
        """Opens nothing yet: `make` does, once `path` can be written."""
        self._path = path
        self._make = make
        self._logger: loggers.Logger | None = None
        self._warnings = _Warnings()

    def write(self, data: Any) -> None:
        """Writes a row, or warns that it cannot."""
        with self._warnings.instead(self._path):
            if self._logger is None:
                self._logger = self._make()
            self._logger.write(data)

    def close(self) -> None:
        """Closes the logger, if there is one."""
        if self._logger is not None:
            with self._warnings.instead(self._path):
                self._logger.close()


def _to_host(values: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value).item() for name, value in values.items()}


def _rewrite(
    path: Path, keep: Callable[[dict[str, str]], bool], fields: Sequence[str] = ()
) -> None:
    """Drops rows of a CSV file, if there is one, and adds columns that it lacks."""
    if not path.exists():
        return
    with path.open(newline="") as stream:
        reader = csv.reader(stream)
        names = [_RENAMED.get(name, name) for name in next(reader, [])]
        rows = [dict(zip(names, row)) for row in reader]  # noqa: B905 - one may be cut
    columns = list(dict.fromkeys([*names, *fields]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    # A row that a kill cut short lacks its last fields.
    writer.writerows(row for row in rows if len(row) == len(names) and keep(row))
    files.write_text(path, text.getvalue())


def _at_most(row: dict[str, str], field: str, limit: int) -> bool:
    try:
        return float(row[field]) <= limit
    except ValueError:
        return False
