"""Freeway: a chicken crosses eight lanes."""

from __future__ import annotations

from collections.abc import Iterator

from acme_moe.environments.minatar.game import DOWN, NOOP, SIZE, UP, Game, moved

_LANES = 8
_COLUMN = 4  # Of the chicken.
_STEPS_A_MOVE = 3  # Of the chicken.
_FASTEST, _SLOWEST = 1, 5  # Steps that a car takes for a place.
_LENGTH = 2_500


class Freeway(Game):
    """Each crossing gives 1, after which the cars have other speeds.

    A car that hits the chicken puts it back to the start. The game ends after 2,500
    steps. It does not become harder.
    """

    channels = ("chicken", "car", *(f"speed{i}" for i in range(1, 6)))
    actions = (NOOP, UP, DOWN)

    def start(self) -> None:
        """Starts with the chicken below and all cars at the left."""
        self._row = SIZE - 1
        self._rest = _STEPS_A_MOVE
        self._left = _LENGTH
        self._columns = [0] * _LANES
        self._draw_speeds()

    def _draw_speeds(self) -> None:
        periods = self._rng.integers(_FASTEST, _SLOWEST + 1, _LANES)
        leftward = self._rng.random(_LANES) < 0.5
        self._periods = [int(period) for period in periods]
        self._directions = [-1 if left else 1 for left in leftward]
        self._waits = list(self._periods)

    def act(self, action: int) -> tuple[float, bool]:
        """Moves the chicken if it has rested, then the cars."""
        reward = 0.0
        if action in (UP, DOWN) and not self._rest:
            self._rest = _STEPS_A_MOVE
            self._row = moved(self._row, -1 if action == UP else 1)
        if self._row == 0:
            reward = 1.0
            self._draw_speeds()
            self._row = SIZE - 1
        for lane in range(_LANES):
            self._hit(lane)
            if self._waits[lane]:
                self._waits[lane] -= 1
                continue
            self._waits[lane] = self._periods[lane]
            self._columns[lane] = (self._columns[lane] + self._directions[lane]) % SIZE
            self._hit(lane)
        self._rest = max(0, self._rest - 1)
        self._left -= 1
        return reward, self._left < 0

    def _hit(self, lane: int) -> None:
        """Puts the chicken back if the car of a lane is where it is."""
        if self._columns[lane] == _COLUMN and self._row == lane + 1:
            self._row = SIZE - 1

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields the chicken, and the cars with trails that tell their speed."""
        yield self._row, _COLUMN, 0
        for lane, column in enumerate(self._columns):
            yield lane + 1, column, 1
            behind = (column - self._directions[lane]) % SIZE
            yield lane + 1, behind, 1 + self._periods[lane]
