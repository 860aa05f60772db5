"""Defines what is compared: lines of runs, in panels, on the games that all have.

`acme_moe.reporting.panels` chooses them.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from acme_moe import validation
from acme_moe.reporting.curves import Curve, on_grid

HUMAN, BASELINE, NONE = "human", "baseline", "none"

NORMALIZATIONS = {
    HUMAN: "human-normalised score",
    BASELINE: "baseline-normalised score",
    NONE: "return",
}
"""What scores are relative to, and their name: 0 is random play and 1 a human's return;
0 is a return of 0 and 1 the mean final return of the panel's baseline, for games
without human scores; or scores are plain returns."""


class MissingRun(NamedTuple):
    """A run that was planned or begun, or a panel or a line, that is in no figure.

    Attributes:
      run: the run's folder below the report's, or the panel's name, and the line's.
      reason: why it is in no figure.
    """

    run: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """Runs that share every setting but game and seed.

    Attributes:
      series: name of the line, which gives its colour; shared by lines at other `x`.
      x: place on the axis of a scaling figure.
      curves: those of the finished runs, by game and then seed.
      unit: unit of the curves' positions, `frames` or `updates`.
      suite: suite of the games.
      normalization: what the scores are normalised by, one of `NORMALIZATIONS`.
      planned_games: number of games planned; None without a plan.
      planned_seeds: number of runs a game planned; None without a plan.
      external: whether the scores come from outside the folder of the other lines.
      panel: the only panel that a line from a file is in; None: it is in all.
    """

    series: str
    x: float | None = None
    curves: Mapping[str, Mapping[int, Curve]]
    unit: str = "frames"
    suite: str = "atari"
    normalization: str = HUMAN
    planned_games: int | None = None
    planned_seeds: int | None = None
    external: bool = False
    panel: str | None = None

    @property
    def label(self) -> str:
        """Names the line in tables and legends."""
        return self.series if self.x is None else f"{self.series}, {self.x:g}"

    def num_runs(self, games: Sequence[str]) -> int:
        """Counts the runs per game that are compared: as many as every game has."""
        return min(len(self.curves[game]) for game in games)

    def num_left_out(self, games: Sequence[str]) -> int:
        """Counts the runs on these games that are left out, to have as many of each."""
        kept = self.num_runs(games)
        return sum(len(self.curves[game]) - kept for game in games)

    def final_scores(self, games: Sequence[str]) -> np.ndarray:
        """Returns the final scores `[runs, games]`, of the first runs by seed."""
        return np.array(
            [
                [getattr(curve, self._values)[-1] for curve in row]
                for row in self._rows(games)
            ]
        )

    def scores_over(
        self, games: Sequence[str], axis: str
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns points `[K]` and scores `[runs, games, K]` there; see `on_grid`."""
        rows = self._rows(games)
        gridded = on_grid(
            [curve for row in rows for curve in row], axis, values=self._values
        )
        if gridded is None:
            return None
        points, scores = gridded
        return points, scores.reshape(len(rows), len(games), len(points))

    @property
    def _values(self) -> str:
        """The field of a curve that is compared."""
        return "returns" if self.normalization == NONE else "scores"

    def _rows(self, games: Sequence[str]) -> list[list[Curve]]:
        """Returns the curves `[runs, games]` that are compared."""
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
      name: as `DQN`.
      lines: each with finished runs; the first is no external one.
      games: those that every line has finished runs of; no others are compared.
      left_out: lines that are not compared with the others, as given, and why.

    Raises:
      ValueError: if two lines have one label, by which all numbers are found.
    """

    name: str
    lines: tuple[Line, ...]
    games: tuple[str, ...]
    left_out: tuple[tuple[Line, str], ...] = ()

    def __post_init__(self) -> None:
        counts = collections.Counter(line.label for line in self.lines)
        label, count = counts.most_common(1)[0]
        if count > 1:
            raise validation.not_accepted(
                "series",
                label,
                f"a name of its own for each of {count} lines of panel {self.name!r}",
            )

    @property
    def normalization(self) -> str:
        """What the scores are relative to, see `NORMALIZATIONS`."""
        return self.lines[0].normalization

    @property
    def score_name(self) -> str:
        """Names what is compared, in words."""
        return NORMALIZATIONS[self.normalization]

    @property
    def unit(self) -> str:
        """Tells what the panel's axis of length counts, `frames` or `updates`."""
        return self.lines[0].unit

    def final_scores(self) -> dict[str, np.ndarray]:
        """Returns the scores `[runs, games]` of each line, by its label."""
        return {line.label: line.final_scores(self.games) for line in self.lines}

    @property
    def title(self) -> str:
        """Names the panel, and says how many games and seeds are behind it."""
        own = [line for line in self.lines if not line.external]
        planned_games = max((line.planned_games or 0 for line in own), default=0)
        planned_seeds = max((line.planned_seeds or 0 for line in own), default=0)
        seeds = sorted({line.num_runs(self.games) for line in own})
        num_seeds = "-".join(str(n) for n in sorted({seeds[0], seeds[-1]}))
        games = _count(str(len(self.games)), planned_games, "game")
        return f"{self.name}\n{games}, {_count(num_seeds, planned_seeds, 'seed')}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that a report is made of.

    Attributes:
      title: title of the report.
      kind: kind of the scores, see `acme_moe.reporting.curves.curve_of`.
      panels: what is compared.
      missing: what is in no figure.
      form: form of the main figure, see `acme_moe.studies.study.Study`.
      x_label: label of its axis, in form `scaling`.
    """

    title: str
    kind: str
    panels: tuple[Panel, ...]
    missing: tuple[MissingRun, ...]
    form: str = "curves"
    x_label: str = ""


def _count(number: str, planned: int, what: str) -> str:
    """Writes `1 of 2 games`, or `2 games` where all that were planned are there."""
    if planned and number != str(planned):
        number = f"{number} of {planned}"
    return f"{number} {what}" if number == "1" else f"{number} {what}s"
