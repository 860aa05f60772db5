"""Makes panels: chooses the lines and games that are compared, and their scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from acme_moe.reporting.comparison import BASELINE, NONE, Line, Panel
from acme_moe.reporting.curves import Curve


def make_panel(name: str, lines: Sequence[Line]) -> Panel | None:
    """Makes a panel of the lines that have finished runs.

    Lines of another suite than the first line's are left out, and so is a line that
    shares no game with any other while others do. External lines are added if they are
    of this panel or of all, and share a game with the others; one that has the name of
    another line of the panel is marked as external.

    If the human score of a compared game is not known, all lines are compared by their
    returns relative to the baseline's, since the returns of different games have no
    common mean; or by plain returns, if there is only one game, or no baseline with a
    positive return on all of them.

    Returns:
      The panel; None if the lines have no game in common.
    """
    own = [line for line in lines if line.curves and not line.external]
    peers = [line for line in own if line.suite == own[0].suite]
    games = _common_games([x for x in peers if _shares_a_game(x, peers)] or peers)
    if not games:
        return None
    kept: list[Line] = []
    left_out: list[tuple[Line, str]] = []
    external = [x for x in lines if x.external and x.panel in (None, name)]
    for line in (*own, *external):
        if line.suite != own[0].suite:
            left_out.append((line, f"its games are {line.suite}'s"))
        elif not games & line.curves.keys():
            left_out.append((line, "it shares no game with the others"))
        else:
            kept.append(_renamed(line, kept) if line.external else line)
            games &= line.curves.keys()
    if all(
        curve.normalized
        for line in kept
        for game in games
        for curve in line.curves[game].values()
    ):
        compared = kept
    else:
        compared = _relative_to_baseline(kept, games) or [
            dataclasses.replace(line, normalization=NONE) for line in kept
        ]
    return Panel(
        name=name,
        lines=tuple(compared),
        games=tuple(sorted(games)),
        left_out=tuple(left_out),
    )


def _renamed(line: Line, others: Sequence[Line]) -> Line:
    """Returns an external line by a name that none of the others has."""
    # In a scaling figure, all points of a series form one line.
    names = {name for x in others if not x.external for name in (x.label, x.series)}
    labels = {other.label for other in others}
    while {line.label, line.series} & names or line.label in labels:
        line = dataclasses.replace(line, series=f"{line.series} (external)")
    return line


def find_baseline(lines: Sequence[Line]) -> Line | None:
    """Returns the baseline, the line that others are compared with; None without one.

    Its name says that it is one. Lines that are not external come before those that
    are, and then ordinary baselines before those as wide as all experts together.
    """

    def rank(line: Line) -> tuple[bool, bool]:
        scaled = "Scaled" in line.series or "widen_dense=true" in line.series
        return line.external, scaled

    named = (line for line in lines if "baseline" in line.series.lower())
    return min(named, key=rank, default=None)


def _relative_to_baseline(lines: Sequence[Line], games: set[str]) -> list[Line] | None:
    """Returns lines whose scores are shares of the baseline's mean return.

    Returns:
      The lines; None without a baseline, with fewer than two games, or if the
      baseline's mean return on one of them is not positive.
    """
    baseline = find_baseline(lines)
    if baseline is None or len(games) < 2:
        return None
    names = sorted(games)
    # Of the runs that are compared, so that the baseline's mean on each game is 1.
    returns = dataclasses.replace(baseline, normalization=NONE).final_scores(names)
    references = dict(zip(names, returns.mean(axis=0), strict=True))
    if min(references.values()) <= 0:
        return None

    def scaled(game: str, curve: Curve) -> Curve:
        if game not in references:  # Not compared, but still among the finished runs.
            return curve
        return dataclasses.replace(curve, scores=curve.returns / references[game])

    return [
        dataclasses.replace(
            line,
            normalization=BASELINE,
            curves={
                game: {seed: scaled(game, x) for seed, x in of_game.items()}
                for game, of_game in line.curves.items()
            },
        )
        for line in lines
    ]


def _shares_a_game(line: Line, lines: Sequence[Line]) -> bool:
    """Returns whether another of the lines has a game of this one."""
    return any(
        line.curves.keys() & other.curves.keys() for other in lines if other is not line
    )


def _common_games(lines: Sequence[Line]) -> set[str]:
    return set.intersection(*(set(line.curves) for line in lines)) if lines else set()
