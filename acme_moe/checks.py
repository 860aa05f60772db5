"""Checks of user-supplied code: how one fails, and what it reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable


class Problem(Exception):
    """What a check found."""


def require(condition: bool, problem: str) -> None:
    """Raises a `Problem` unless a condition holds."""
    if not condition:
        raise Problem(problem)


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of a check.

    Attributes:
      name: name of the check.
      outcome: `ok`, `FAILED`, or `note` for a finding that is neither good nor bad.
      detail: what was found.
    """

    name: str
    outcome: str
    detail: str

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return self.outcome == "FAILED"


def attempt(name: str, function: Callable[[], str], good: str = "ok") -> Result:
    """Runs a check.

    Args:
      name: name of the check.
      function: returns what it found; raises if something is wrong.
      good: outcome if it raises nothing.

    Returns:
      The result; whatever `function` raised becomes the outcome `FAILED`.
    """
    try:
        return Result(name, good, function())
    except Problem as problem:
        return Result(name, "FAILED", str(problem))
    except Exception as error:
        first = str(error).strip().splitlines() or [""]
        return Result(name, "FAILED", f"{type(error).__name__}: {first[0]}")
