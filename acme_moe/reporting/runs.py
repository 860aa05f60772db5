"""Reads run folders."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


class BrokenRunError(ValueError):
    """A run folder lacks something, or holds what nobody can read."""


@dataclasses.dataclass(frozen=True)
class Episode:
    """A row of `scores.csv`.

    Attributes:
      agent_steps: of the run, when the episode ended.
      learner_steps: updates by then.
      kind: `training` or `evaluation`.
      episode_return: undiscounted, of unclipped rewards.
      episode_length: in agent steps.
      human_normalized_score: 0 for random play, 1 for the human's.
      wall_seconds: of the run, when the episode ended; nan where that was not noted.
    """

    agent_steps: int
    learner_steps: int
    kind: str
    episode_return: float
    episode_length: int
    human_normalized_score: float
    wall_seconds: float = math.nan


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder's contents.

    Attributes:
      path: of the folder.
      config: what `config.json` holds.
      summary: what `summary.json` holds.
      episodes: of `scores.csv`, in order.
      diagnostics: columns of `diagnostics.csv`, where the run has one.
      distributed: what `distributed.json` holds, where it ran in many processes.
    """

    path: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    episodes: tuple[Episode, ...]
    diagnostics: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)
    distributed: dict[str, Any] = dataclasses.field(default_factory=dict)


_COLUMNS: dict[str, Callable[[str], Any]] = {
    "agent_steps": int,
    "learner_steps": int,
    "kind": str,
    "episode_return": float,
    "episode_length": int,
    "human_normalized_score": float,
}
_WALL_SECONDS = "wall_seconds"


def read_run(path: Path) -> Run:
    """Reads a run folder.

    Raises:
      BrokenRunError: names the file that is missing or damaged.
    """
    distributed = path / "distributed.json"
    return Run(
        path,
        _read_json(path / "config.json"),
        _read_summary(path / "summary.json"),
        _read_episodes(path / "scores.csv"),
        _read_columns(path / "diagnostics.csv"),
        _read_json(distributed) if distributed.exists() else {},
    )


def _read_summary(path: Path) -> dict[str, Any]:
    summary = _read_json(path)
    for name in ("agent", "game", "seed"):
        if name not in summary:
            raise BrokenRunError(f"{path}: lacks the run's {name}")
    return summary


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise BrokenRunError(f"{path}: is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise BrokenRunError(f"{path}: is not an object of JSON")
    return value


def _read_episodes(path: Path) -> tuple[Episode, ...]:
    rows = csv.reader(_read_text(path).splitlines())
    header = next(rows, [])
    try:
        columns = [header.index(name) for name in _COLUMNS]
    except ValueError as error:
        raise BrokenRunError(f"{path}: {error}, the names of its columns") from error
    wall = header.index(_WALL_SECONDS) if _WALL_SECONDS in header else None
    episodes = []
    for row in rows:
        try:
            if len(row) != len(header):
                raise ValueError
            values: list[Any] = [
                parse(row[column])
                for parse, column in zip(_COLUMNS.values(), columns, strict=True)
            ]
            if wall is not None and row[wall]:
                values.append(float(row[wall]))
            episodes.append(Episode(*values))
        except ValueError as error:
            raise BrokenRunError(f"{path}: line {rows.line_num} is damaged") from error
    return tuple(episodes)


def _read_columns(path: Path) -> dict[str, list[float]]:
    """A CSV file of numbers, by column; empty where there is none."""
    if not path.exists():
        return {}
    rows = csv.reader(_read_text(path).splitlines())
    header = next(rows, [])
    columns: dict[str, list[float]] = {name: [] for name in header}
    for row in rows:
        try:
            for name, value in zip(header, row, strict=True):
                columns[name].append(float(value))
        except ValueError as error:
            raise BrokenRunError(f"{path}: line {rows.line_num} is damaged") from error
    return columns


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise BrokenRunError(
            f"{path.parent}: is no run folder, it has no {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise BrokenRunError(f"{path}: is not text") from error
