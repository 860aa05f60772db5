"""Reads scores from elsewhere, to be compared with those of the runs."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from acme_moe import validation
from acme_moe.environments import find_suite, normalized_score
from acme_moe.reporting.comparison import Line
from acme_moe.reporting.curves import Curve
from acme_moe.reporting.runs import UNITS

NumberT = TypeVar("NumberT", int, float)

# The agent's name, its place on the axis, the panel and the suite.
_Key = tuple[str, float | None, str, str]

FIELDS = ("game", "seed", "agent", "frames", "score")


def read_external(*paths: Path) -> tuple[Line, ...]:
    """Reads CSV files with the columns game, seed, agent, frames and score.

    A score is a mean return, rewards not clipped; a run has a row for each of the
    frames that its score is known at. Scores of offline agents have a column `updates`
    in place of `frames`; where there are both, each row fills one. With a column
    `panel` a line is in that panel only, else in all; with a column `x` it has that
    place on the axis of a scaling figure. Games are Atari's, or of the suite in a
    column `environment`. Other columns are not read. Several files are read
    as one, so that a line may have some of its runs in each; a run is in one of them.

    Args:
      *paths: the files.

    Returns:
      A line for each agent, place, panel and suite.

    Raises:
      ValueError: names the file and line that is wrong, and what would do.
    """
    scores = _Scores()
    for path, number, row in itertools.chain.from_iterable(map(_rows, paths)):
        try:
            scores.add(_parse(row), path)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: line {number}: {error}") from error
    return scores.lines()


class _Score(NamedTuple):
    """A score of a run, after a number of frames or updates."""

    line: _Key
    game: str
    seed: int
    unit: str
    position: float
    score: float


class _Scores:
    """Scores by line, game and seed, which have to agree with each other."""

    def __init__(self) -> None:
        """Starts without any."""
        self._lines: dict[_Key, dict[str, dict[int, dict[float, float]]]] = {}
        self._units: dict[_Key, str] = {}
        self._files: dict[tuple[_Key, str, int], Path] = {}

    def add(self, score: _Score, path: Path) -> None:
        """Adds a score of a file.

        Raises:
          ValueError: if the line has another unit, or the run is in another file, or
            has a score there.
        """
        line, game, seed, unit, position, value = score
        agent, *_ = line
        name = f"{agent}, {game}, seed {seed}"
        if self._units.setdefault(line, unit) != unit:
            raise ValueError(f"{agent} has scores over frames and over updates")
        if (file := self._files.setdefault((line, game, seed), path)) != path:
            raise ValueError(
                f"{name} is in {file} too; all scores of a run have to be in one"
            )
        of_run = self._lines.setdefault(line, {}).setdefault(game, {})
        if position in of_run.setdefault(seed, {}):
            raise ValueError(f"{name} has two scores at {position:g} {unit}")
        of_run[seed][position] = value

    def lines(self) -> tuple[Line, ...]:
        """Returns the lines, in the order in which they were added."""
        return tuple(
            Line(
                series=agent,
                x=x,
                panel=panel or None,
                curves={
                    game: {
                        seed: _curve(suite, game, scores)
                        for seed, scores in seeds.items()
                    }
                    for game, seeds in games.items()
                },
                unit=self._units[agent, x, panel, suite],
                suite=suite,
                external=True,
            )
            for (agent, x, panel, suite), games in self._lines.items()
        )


def _parse(row: Mapping[str, Any]) -> _Score:
    """Returns the score of a row.

    Raises:
      ValueError: names the column that is wrong.
    """
    suite = row.get("environment") or "atari"
    x = _number(row, "x", float) if row.get("x") else None
    agent = row["agent"]
    if not agent:
        raise ValueError("agent: is missing; the name of the line")
    game = find_suite(suite).resolve_game(row["game"] or "")
    seed = _number(row, "seed", int)
    unit, position = _position(row)
    score = _number(row, "score", float)
    if not all(map(math.isfinite, (position, score, x or 0.0))):
        place = "" if x is None else f", x {x:g}"
        raise ValueError(f"{position:g} {unit} and {score:g}{place} are not all finite")
    line = agent, x, row.get("panel") or "", suite
    return _Score(line, game, seed, unit, position, score)


def _rows(path: Path) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Reads the rows of a file, each with the file and the number of its line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            header = set(reader.fieldnames or ())
            rows = [(path, reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: is no CSV file ({error})") from error
    if "updates" in header:
        header.add("frames")
    missing = [field for field in FIELDS if field not in header]
    if missing:
        raise ValueError(
            f"{path}: has no column {', '.join(missing)}; "
            f"needed: {', '.join(FIELDS)} (updates in place of frames if offline)"
        )
    if not rows:
        raise ValueError(f"{path}: has no rows; needs one at least")
    yield from rows


def _position(row: Mapping[str, str | None]) -> tuple[str, float]:
    """Returns the unit that a row has a value of, and the value."""
    values = [(unit, value) for unit in UNITS if (value := row.get(unit))]
    if len(values) != 1:
        raise ValueError(f"needs a value of either {' or '.join(UNITS)}")
    ((unit, _),) = values
    return unit, _number(row, unit, float)


def _number(row: Mapping[str, str | None], column: str, kind: type[NumberT]) -> NumberT:
    """Returns the number in a column, or says what is there instead."""
    try:
        return kind(row[column] or "")
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise validation.not_accepted(column, row[column], what) from None


def _curve(suite: str, game: str, scores: Mapping[float, float]) -> Curve:
    positions = sorted(scores)
    returns = np.array([scores[at] for at in positions])
    normalized = [normalized_score(suite, game, score) for score in returns]
    return Curve(
        np.array(positions),
        np.full(len(positions), np.nan),
        returns,
        np.array(normalized, float),  # None becomes nan.
    )
