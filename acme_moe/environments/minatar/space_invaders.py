"""Space Invaders: a cannon shoots at aliens that come down."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from acme_moe.environments.minatar.game import (
    FIRE,
    LEFT,
    NOOP,
    RIGHT,
    SIZE,
    Game,
    grid_places,
    moved,
)

_COOL_DOWN = 5
_MOVE_PERIOD = 12
_LEAST_MOVE_PERIOD = 6  # The lower bound of ramping.
_SHOT_PERIOD = 10


class SpaceInvaders(Game):
    """Each alien that is shot gives 1; one that lands, or its shot, ends the game.

    The fewer aliens are left, the faster they move. Ramping makes each wave faster than
    the one before.
    """

    channels = (
        "cannon",
        "alien",
        "alien_left",
        "alien_right",
        "friendly_bullet",
        "enemy_bullet",
    )
    actions = (NOOP, LEFT, RIGHT, FIRE)

    def start(self) -> None:
        """Starts with a whole wave at the top."""
        self._cannon = 5
        self._shots = np.zeros((SIZE, SIZE), bool)
        self._alien_shots = np.zeros((SIZE, SIZE), bool)
        self._aliens = _wave()
        self._direction = -1
        self._move_period = self._move_wait = _MOVE_PERIOD
        self._shot_wait = _SHOT_PERIOD
        self._cool_down = 0

    def act(self, action: int) -> tuple[float, bool]:
        """Moves the cannon, the shots and the aliens, and lets an alien shoot."""
        if action == FIRE and not self._cool_down:
            self._shots[-1, self._cannon] = True
            self._cool_down = _COOL_DOWN
        elif action in (LEFT, RIGHT):
            self._cannon = moved(self._cannon, -1 if action == LEFT else 1)
        self._shots = np.roll(self._shots, -1, axis=0)
        self._shots[-1] = False
        self._alien_shots = np.roll(self._alien_shots, 1, axis=0)
        self._alien_shots[0] = False
        over = bool(self._alien_shots[-1, self._cannon])
        over |= self._move_aliens()
        if not self._shot_wait:
            self._shot_wait = _SHOT_PERIOD
            self._shoot_from_nearest()
        hit = self._aliens & self._shots
        reward = float(np.count_nonzero(hit))
        if reward:
            self._aliens &= ~hit
            self._shots &= ~hit
        self._cool_down = max(0, self._cool_down - 1)
        self._move_wait -= 1
        self._shot_wait -= 1
        if not self._aliens.any():
            if self._ramping and self._move_period > _LEAST_MOVE_PERIOD:
                self._move_period -= 1
            self._aliens = _wave()
        return reward, over

    def _move_aliens(self) -> bool:
        """Moves all aliens if it is time; returns whether one reaches the cannon."""
        over = bool(self._aliens[-1, self._cannon])
        if self._move_wait:
            return over
        self._move_wait = min(int(np.count_nonzero(self._aliens)), self._move_period)
        edge = self._aliens[:, 0 if self._direction < 0 else -1]
        if edge.any():
            self._direction = -self._direction
            over |= bool(self._aliens[-1].any())
            self._aliens = np.roll(self._aliens, 1, axis=0)
        else:
            self._aliens = np.roll(self._aliens, self._direction, axis=1)
        return over or bool(self._aliens[-1, self._cannon])

    def _shoot_from_nearest(self) -> None:
        """Lets the lowest alien of the column that is nearest to the cannon shoot."""
        for column in sorted(range(SIZE), key=lambda x: abs(x - self._cannon)):
            rows = np.flatnonzero(self._aliens[:, column])
            if len(rows):
                self._alien_shots[rows[-1], column] = True
                return

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields the cannon, the aliens with their direction, and the shots of both."""
        yield SIZE - 1, self._cannon, 0
        yield from grid_places(self._aliens, 1)
        yield from grid_places(self._aliens, 2 if self._direction < 0 else 3)
        yield from grid_places(self._shots, 4)
        yield from grid_places(self._alien_shots, 5)


def _wave() -> np.ndarray:
    aliens = np.zeros((SIZE, SIZE), bool)
    aliens[:4, 2:8] = True
    return aliens
