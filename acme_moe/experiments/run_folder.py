"""What a run leaves: settings, summary, scores and logs in one folder.

    config.json      every setting; enough to run it again
    summary.json     what came out so far, rewritten as the run goes on
    scores.csv       a row an episode, of training and of evaluation
    learner.csv      the learner's log
    diagnostics.csv  see `acme_moe.experiments.diagnosis`; only where it is asked for
    tensorboard/     the same as event files
    checkpoints/     see `acme_moe.experiments.checkpoints`

Whatever reads results reads this and nothing else.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from acme.utils import loggers

from acme_moe.environments import human_normalized_score
from acme_moe.experiments import config as config_lib
from acme_moe.experiments.evaluation import EpisodeResult
from acme_moe.experiments.facts import Facts

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


class RunFolder:
    """The folder of one run."""

    def __init__(
        self,
        path: Path,
        game: str,
        log_every_seconds: float = 1.0,
        steps_key: str = "actor_steps",
    ) -> None:
        """Makes the folder where it is missing.

        Args:
          path: of the folder.
          game: whose random and human scores normalise the returns.
          log_every_seconds: least time between two rows of a log.
          steps_key: the column of a log over which TensorBoard draws the others.
        """
        self.path = path
        self._game = game
        self._log_every_seconds = log_every_seconds
        self._steps_key = steps_key
        self._open_files: list[Any] = []
        path.mkdir(parents=True, exist_ok=True)

    def write_config(self, experiment: config_lib.AnyExperiment) -> None:
        """Writes `config.json`."""
        _write_atomically(self.path / "config.json", config_lib.config_json(experiment))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Writes `summary.json`."""
        _write_atomically(
            self.path / "summary.json", json.dumps(summary, indent=2) + "\n"
        )

    def forget_after(self, facts: Facts) -> None:
        """Drops the rows that a run which goes on from there will write again."""
        self.forget_scores_after(facts)
        self.forget_updates_after(facts)

    def forget_scores_after(self, facts: Facts) -> None:
        """Drops later rows of `scores.csv`."""
        _rewrite(
            self.path / "scores.csv", lambda row: _was_scored(row, facts), SCORES_FIELDS
        )

    def forget_updates_after(self, facts: Facts) -> None:
        """Drops later rows of `learner.csv` and `diagnostics.csv`."""
        for log in ("learner.csv", "diagnostics.csv"):
            _rewrite(
                self.path / log,
                lambda row: _at_most(row, "learner_steps", facts.learner_steps),
            )

    def add_score(
        self, facts: Facts, kind: str, episode: int, result: EpisodeResult
    ) -> None:
        """Appends an episode to `scores.csv`.

        Args:
          facts: of the run, when the episode ended.
          kind: `training` or `evaluation`.
          episode: counts within its kind and evaluation, from 1.
          result: of the episode.
        """
        path = self.path / "scores.csv"
        new = not path.exists()
        with path.open("a", newline="") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(SCORES_FIELDS)
            writer.writerow(
                (
                    facts.agent_steps,
                    facts.learner_steps,
                    kind,
                    episode,
                    result.episode_return,
                    result.episode_length,
                    human_normalized_score(self._game, result.episode_return),
                    facts.wall_seconds,
                )
            )

    def make_logger(self, label: str, *_: Any, **__: Any) -> loggers.Logger:
        """A logger that drops rows by time; an Acme logger factory."""
        logger = self.make_full_logger(label, flush_every=10)
        return loggers.TimeFilter(logger, self._log_every_seconds)

    def make_full_logger(self, label: str, flush_every: int = 1) -> loggers.Logger:
        """A logger of every row to `LABEL.csv` and TensorBoard.

        Args:
          label: names both.
          flush_every: rows that may be lost with the process.
        """
        # Imports TensorFlow, which one that only keeps scores does not need.
        from acme.utils.loggers import tf_summary

        file = (self.path / f"{label}.csv").open("a", newline="")
        self._open_files.append(file)
        return loggers.Dispatcher(
            [
                loggers.CSVLogger(file, flush_every=flush_every),
                tf_summary.TFSummaryLogger(
                    str(self.path / "tensorboard"), label, steps_key=self._steps_key
                ),
            ],
            _to_host,
        )

    def close(self) -> None:
        """Closes the files of the loggers."""
        for file in self._open_files:
            file.close()


def _to_host(values: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value).item() for name, value in values.items()}


def _rewrite(
    path: Path, keep: Callable[[dict[str, str]], bool], fields: Sequence[str] = ()
) -> None:
    """Drops rows of a CSV file, if there is one, and adds columns that it lacks."""
    if not path.exists():
        return
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        columns = list(dict.fromkeys([*(reader.fieldnames or ()), *fields]))
        rows = [row for row in reader if keep(row)]
    temporary = path.with_suffix(".unfinished")
    with temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(temporary, path)


def _was_scored(row: dict[str, str], facts: Facts) -> bool:
    """Whether an episode had ended when the facts were noted."""
    if row.get("kind") == "evaluation":
        # An evaluation may come after a checkpoint of the same position: agent steps,
        # or updates of a run that takes none.
        position = "learner_steps" if row["agent_steps"] == "0" else "agent_steps"
        return _at_most(row, position, facts.evaluated_at)
    return _at_most(row, "agent_steps", facts.agent_steps)


def _at_most(row: dict[str, str], field: str, limit: int) -> bool:
    # A row that a kill cut short lacks its last fields, or has one that is no number.
    try:
        return None not in row.values() and float(row[field]) <= limit
    except ValueError:
        return False


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_suffix(".unfinished")
    temporary.write_text(text)
    os.replace(temporary, path)
