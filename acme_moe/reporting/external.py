"""Scores from elsewhere, to be put beside the runs'."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acme_moe.environments import human_normalized_score, resolve_game
from acme_moe.reporting.comparison import Line
from acme_moe.reporting.curves import Curve

FIELDS = ("game", "seed", "agent", "frames", "score")


def read_external(path: Path) -> tuple[Line, ...]:
    """Reads a CSV file with the columns game, seed, agent, frames and score.

    Args:
      path: of the file. A score is a mean return, rewards not clipped; a run has a row
        for each of the frames that its score is known at. With a column panel a line
        stands in that panel only, else in all. Other columns are not read.

    Returns:
      A line for each agent and panel.

    Raises:
      ValueError: names the line of the file that is wrong, and what would do.
    """
    runs: dict[tuple[str, str], dict[str, dict[int, dict[float, float]]]] = {}
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [field for field in FIELDS if field not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f"{path}: has no column {', '.join(missing)}; "
                f"needed: {', '.join(FIELDS)}"
            )
        for row in reader:
            try:
                game = resolve_game(row["game"])
                seed, frames = int(row["seed"]), float(row["frames"])
                score = float(row["score"])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}: line {reader.line_num}: {error}") from error
            line = row["agent"], row.get("panel") or ""
            of_run = runs.setdefault(line, {}).setdefault(game, {}).setdefault(seed, {})
            if frames in of_run:
                raise ValueError(
                    f"{path}: line {reader.line_num}: {row['agent']}, {game}, seed "
                    f"{seed} has two scores at {frames:g} frames"
                )
            of_run[frames] = score
    return tuple(
        Line(
            series=agent,
            panel=panel or None,
            curves={
                game: {seed: _curve(game, scores) for seed, scores in seeds.items()}
                for game, seeds in games.items()
            },
            external=True,
        )
        for (agent, panel), games in runs.items()
    )


def _curve(game: str, scores: dict[float, float]) -> Curve:
    positions: Sequence[float] = sorted(scores)
    returns = np.array([scores[at] for at in positions])
    normalised = [human_normalized_score(game, score) for score in returns]
    return Curve(
        np.array(positions),
        np.full(len(positions), np.nan),
        returns,
        np.array(normalised),
    )
