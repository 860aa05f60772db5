"""What is compared with what: lines of runs, in panels, on the games all lines have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from acme_moe.reporting.curves import Curve, on_grid


class Gap(NamedTuple):
    """A run that was planned or begun and is in no figure.

    Attributes:
      run: its folder, or what it would be.
      reason: why not.
    """

    run: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """Runs that share everything but game and seed.

    Attributes:
      series: gives its colour.
      x: its place on a scaling figure's axis.
      curves: of the finished runs, by game and then seed.
      planned_games: how many games were planned; None if there is no plan.
      planned_seeds: the same of runs a game.
      external: whether its scores are from elsewhere.
      panel: the only one that an external line stands in; None: it stands in all.
    """

    series: str
    x: float | None = None
    curves: Mapping[str, Mapping[int, Curve]]
    planned_games: int | None = None
    planned_seeds: int | None = None
    external: bool = False
    panel: str | None = None

    @property
    def label(self) -> str:
        """In tables and legends."""
        return self.series if self.x is None else f"{self.series}, {self.x:g}"

    def num_runs(self, games: Sequence[str]) -> int:
        """Runs that each of the games has at least."""
        return min(len(self.curves[game]) for game in games)

    def num_left_out(self, games: Sequence[str]) -> int:
        """Runs on these games that are more than each game has."""
        kept = self.num_runs(games)
        return sum(len(self.curves[game]) - kept for game in games)

    def final_scores(self, games: Sequence[str]) -> np.ndarray:
        """Scores `[runs, games]` at the runs' ends, the first runs by seed."""
        return np.array(
            [[curve.scores[-1] for curve in row] for row in self._rows(games)]
        )

    def scores_over(
        self, games: Sequence[str], axis: str
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Points `[K]` and scores `[runs, games, K]`; see `on_grid`."""
        rows = self._rows(games)
        gridded = on_grid([curve for row in rows for curve in row], axis)
        if gridded is None:
            return None
        points, scores = gridded
        return points, scores.reshape(len(rows), len(games), len(points))

    def _rows(self, games: Sequence[str]) -> list[list[Curve]]:
        """The runs used, `[runs, games]`: as many of each game as the least has."""
        kept = self.num_runs(games)
        columns = [
            [self.curves[game][seed] for seed in sorted(self.curves[game])[:kept]]
            for game in games
        ]
        return [list(row) for row in zip(*columns, strict=True)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panel:
    """Lines that are compared with each other.

    Attributes:
      name: `DQN`.
      unit: of the runs' length, `frames` or `updates`.
      lines: each with finished runs.
      games: those that every line has finished runs of; no other is looked at.
    """

    name: str
    unit: str
    lines: tuple[Line, ...]
    games: tuple[str, ...]

    def final_scores(self) -> dict[str, np.ndarray]:
        """Scores `[runs, games]` of each line, by its label."""
        return {line.label: line.final_scores(self.games) for line in self.lines}

    @property
    def title(self) -> str:
        """The panel's name, and how many games and seeds are behind it."""
        own = [line for line in self.lines if not line.external] or list(self.lines)
        planned_games = max((line.planned_games or 0 for line in own), default=0)
        planned_seeds = max((line.planned_seeds or 0 for line in own), default=0)
        seeds = sorted({line.num_runs(self.games) for line in own})
        num_seeds = "-".join(str(n) for n in sorted({seeds[0], seeds[-1]}))
        games = _of(str(len(self.games)), planned_games, "game")
        return f"{self.name}\n{games}, {_of(num_seeds, planned_seeds, 'seed')}"


def make_panel(name: str, unit: str, lines: Sequence[Line]) -> Panel | None:
    """A panel of the lines that have finished runs; None if none has.

    External lines that are another panel's, or share no game with the others, are left
    out; one with the label of a line of the panel is told from it.
    """
    kept = [line for line in lines if line.curves and not line.external]
    labels = {line.label for line in kept}
    games = _common(kept)
    for line in lines:
        if line.external and line.panel in (None, name) and games & set(line.curves):
            if line.label in labels:
                line = dataclasses.replace(line, series=f"{line.series} (external)")
            kept.append(line)
            games = _common(kept)
    if not games:
        return None
    return Panel(name=name, unit=unit, lines=tuple(kept), games=tuple(sorted(games)))


def _common(lines: Sequence[Line]) -> set[str]:
    return set.intersection(*(set(line.curves) for line in lines)) if lines else set()


def _of(number: str, planned: int, what: str) -> str:
    if planned and number != str(planned):
        number = f"{number} of {planned}"
    return f"{number} {what}" if number == "1" else f"{number} {what}s"
