"""Asterix: a player collects treasure and evades enemies in eight rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from acme_moe.environments.minatar.game import (
    DOWN,
    LEFT,
    NOOP,
    RIGHT,
    SIZE,
    UP,
    Game,
    moved,
    on_board,
)

_ROWS = 8
_MOVES = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}
_SPAWN_PERIOD = 10
_MOVE_PERIOD = 5
_RAMP_PERIOD = 100


@dataclasses.dataclass
class _Entity:
    """An enemy or a treasure, which moves along its row."""

    x: int
    rightward: bool
    treasure: bool


class Asterix(Game):
    """Each treasure gives 1; an enemy ends the game.

    Both come from the sides. Ramping makes them come and move ever more often.
    """

    channels = ("player", "enemy", "trail", "gold")
    actions = (NOOP, LEFT, UP, RIGHT, DOWN)

    def start(self) -> None:
        """Starts in the middle of the empty board."""
        self._x = self._y = 5
        self._entities: list[_Entity | None] = [None] * _ROWS
        self._spawn_period = self._spawn_wait = _SPAWN_PERIOD
        self._move_period = self._move_wait = _MOVE_PERIOD
        self._ramp_wait = _RAMP_PERIOD
        self._ramps = 0

    def act(self, action: int) -> tuple[float, bool]:
        """Spawns an entity if it is time, moves the player, then all entities."""
        if not self._spawn_wait:
            self._spawn()
            self._spawn_wait = self._spawn_period
        dx, dy = _MOVES.get(action, (0, 0))
        self._x = moved(self._x, dx)
        self._y = moved(self._y, dy, 1, _ROWS)
        reward, over = self._meet()
        if not self._move_wait:
            self._move_wait = self._move_period
            self._move()
            more, hit = self._meet()
            reward, over = reward + more, over or hit
        self._spawn_wait -= 1
        self._move_wait -= 1
        self._ramp()
        return reward, over

    def _spawn(self) -> None:
        rightward = self._draw_direction()
        treasure = bool(self._rng.random() < 1 / 3)
        free = [row for row, entity in enumerate(self._entities) if entity is None]
        if free:
            row = free[int(self._rng.integers(len(free)))]
            x = 0 if rightward else SIZE - 1
            self._entities[row] = _Entity(x, rightward, treasure)

    def _meet(self) -> tuple[float, bool]:
        """Returns the reward of a treasure that is met, and whether an enemy is met."""
        row = self._y - 1
        entity = self._entities[row]
        if entity is None or entity.x != self._x:
            return 0.0, False
        if entity.treasure:
            self._entities[row] = None
            return 1.0, False
        return 0.0, True

    def _move(self) -> None:
        for row, entity in enumerate(self._entities):
            if entity is not None:
                entity.x += 1 if entity.rightward else -1
                if not on_board(entity.x):
                    self._entities[row] = None

    def _ramp(self) -> None:
        """Makes the game harder if it is time."""
        if not self._ramping or self._spawn_period == self._move_period == 1:
            return
        if self._ramp_wait >= 0:
            self._ramp_wait -= 1
            return
        if self._move_period > 1 and self._ramps % 2:
            self._move_period -= 1
        if self._spawn_period > 1:
            self._spawn_period -= 1
        self._ramps += 1
        self._ramp_wait = _RAMP_PERIOD

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields the player, all others, and behind each a trail."""
        yield self._y, self._x, 0
        for row, entity in enumerate(self._entities):
            if entity is None:
                continue
            yield row + 1, entity.x, 3 if entity.treasure else 1
            behind = entity.x - 1 if entity.rightward else entity.x + 1
            if on_board(behind):
                yield row + 1, behind, 2
