"""Breakout: a paddle keeps a ball up that breaks three rows of bricks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from acme_moe.environments.minatar.game import (
    LEFT,
    NOOP,
    RIGHT,
    SIZE,
    Game,
    grid_places,
    moved,
)

_BRICK_ROWS = slice(1, 4)


class Breakout(Game):
    """Each brick gives 1; when all are gone and the ball is low, three new rows appear.

    The game ends when the ball passes the paddle. It does not become harder.
    """

    channels = ("paddle", "ball", "trail", "brick")
    actions = (NOOP, LEFT, RIGHT)

    def start(self) -> None:
        """Starts with the ball below the bricks, at the left or the right wall."""
        from_right = bool(self._rng.integers(2))
        self._x, self._y = (SIZE - 1 if from_right else 0), 3
        self._dx, self._dy = (-1 if from_right else 1), 1
        self._trail = (self._x, self._y)
        self._paddle = 4
        self._bricks = np.zeros((SIZE, SIZE), bool)
        self._bricks[_BRICK_ROWS] = True
        self._struck = False

    def act(self, action: int) -> tuple[float, bool]:
        """Moves the paddle, then the ball, and lets it bounce."""
        if action in (LEFT, RIGHT):
            self._paddle = moved(self._paddle, -1 if action == LEFT else 1)
        self._trail = (self._x, self._y)
        x, y = self._x + self._dx, self._y + self._dy
        if not 0 <= x < SIZE:
            x = moved(x, 0)
            self._dx = -self._dx
        reward, over, strikes = 0.0, False, False
        if y < 0:
            y = 0
            self._dy = -self._dy
        elif self._bricks[y, x]:
            strikes = True
            # Right after a brick the ball flies through the next.
            if not self._struck:
                reward = 1.0
                self._bricks[y, x] = False
                y = self._y
                self._dy = -self._dy
        elif y == SIZE - 1:
            if not self._bricks.any():
                self._bricks[_BRICK_ROWS] = True
            if self._paddle in (self._x, x):
                # Where the ball was above the paddle it bounces up, else back.
                if self._paddle != self._x:
                    self._dx = -self._dx
                self._dy = -self._dy
                y = self._y
            else:
                over = True
        self._struck = strikes
        self._x, self._y = x, y
        return reward, over

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields paddle, ball, the place that it comes from, and bricks."""
        yield SIZE - 1, self._paddle, 0
        yield self._y, self._x, 1
        yield self._trail[1], self._trail[0], 2
        yield from grid_places(self._bricks, 3)
