"""The base of the five games."""

from __future__ import annotations

import abc
from collections.abc import Iterator

import numpy as np

SIZE = 10
"""Rows and columns of the board."""

NOOP, LEFT, UP, RIGHT, DOWN, FIRE = range(6)
"""The actions that every game accepts; those that mean nothing in it do nothing."""

ACTION_NAMES = ("NOOP", "LEFT", "UP", "RIGHT", "DOWN", "FIRE")
"""The actions' names, in their order."""


class Game(abc.ABC):
    """The rules of a game.

    Attributes:
      channels: what each channel of the board shows.
      actions: the actions that mean something in this game; the first does nothing.
    """

    channels: tuple[str, ...]
    actions: tuple[int, ...]

    def __init__(self, rng: np.random.Generator, *, ramping: bool) -> None:
        """Starts no game yet.

        Args:
          rng: random generator of everything that is drawn.
          ramping: whether the game becomes harder as it goes on.
        """
        self._rng = rng
        self._ramping = ramping

    @abc.abstractmethod
    def start(self) -> None:
        """Starts a game anew."""

    @abc.abstractmethod
    def act(self, action: int) -> tuple[float, bool]:
        """Takes a step; returns the reward, and whether the game is over."""

    @abc.abstractmethod
    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields row, column and channel of everything on the board."""

    def _draw_direction(self) -> bool:
        """Draws a direction: True is to the right."""
        return bool(self._rng.random() < 0.5)


def moved(position: int, change: int, low: int = 0, high: int = SIZE - 1) -> int:
    """Returns a position after a move that ends at the bounds."""
    return min(max(position + change, low), high)


def on_board(x: int) -> bool:
    """Returns whether a column is on the board."""
    return 0 <= x < SIZE


def grid_places(grid: np.ndarray, channel: int) -> Iterator[tuple[int, int, int]]:
    """Yields the places where a grid `bool [10, 10]` is set."""
    for row, column in zip(*np.nonzero(grid), strict=True):
        yield row, column, channel
