"""Reads run folders."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any


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
    """

    agent_steps: int
    learner_steps: int
    kind: str
    episode_return: float
    episode_length: int
    human_normalized_score: float


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder's contents.

    Attributes:
      path: of the folder.
      config: what `config.json` holds.
      summary: what `summary.json` holds.
      episodes: of `scores.csv`, in order.
    """

    path: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    episodes: tuple[Episode, ...]


def read_run(path: Path) -> Run:
    """Reads a run folder.

    Raises:
      FileNotFoundError: names what the folder lacks.
    """
    for name in ("config.json", "summary.json", "scores.csv"):
        if not (path / name).exists():
            raise FileNotFoundError(f"{path}: is no run folder, it has no {name}")
    with (path / "scores.csv").open(newline="") as stream:
        episodes = tuple(
            Episode(
                int(row["agent_steps"]),
                int(row["learner_steps"]),
                row["kind"],
                float(row["episode_return"]),
                int(row["episode_length"]),
                float(row["human_normalized_score"]),
            )
            for row in csv.DictReader(stream)
        )
    return Run(
        path,
        json.loads((path / "config.json").read_text()),
        json.loads((path / "summary.json").read_text()),
        episodes,
    )
