"""Seaquest: a submarine saves divers from fish and other submarines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from acme_moe.environments.minatar.game import (
    DOWN,
    FIRE,
    LEFT,
    NOOP,
    RIGHT,
    SIZE,
    UP,
    Game,
    moved,
    on_board,
)

_MOST_OXYGEN = 200
_MOST_DIVERS = 6
_SPAWN_PERIOD = 20
_DIVER_PERIOD = 30
_COOL_DOWN = 5
_SHOT_PERIOD = 10
_MOVE_PERIOD = 5
_DEEPEST = SIZE - 2  # The last row is for gauges.
_LEAST_MOVE_PERIOD = 2  # The lower bound of ramping.


@dataclasses.dataclass
class _Swimmer:
    """A bullet, diver, fish or enemy, with steps until it moves and shoots."""

    x: int
    y: int
    rightward: bool
    wait: int = 0
    shot_wait: int = 0

    def advance(self) -> None:
        """Moves by one column."""
        self.x += 1 if self.rightward else -1

    def is_at(self, x: int, y: int) -> bool:
        """Returns whether it is at a place."""
        return self.x == x and self.y == y


class Seaquest(Game):
    """Each enemy that is shot gives 1; bringing up six divers gives up to 10.

    The divers' reward is in proportion to the oxygen that is left. The game ends when
    the oxygen runs out, when the submarine meets an enemy or a shot, or when it comes
    up without a diver. Ramping makes enemies come and move more often each time that it
    comes up.

    As in the original, those that came last move first, and get what others compete for
    as well: the last place on board, or the bullet that hits only one of them.
    """

    channels = (
        "sub_front",
        "sub_back",
        "friendly_bullet",
        "trail",
        "enemy_bullet",
        "enemy_fish",
        "enemy_sub",
        "oxygen_gauge",
        "diver_gauge",
        "diver",
    )
    actions = (NOOP, LEFT, UP, RIGHT, DOWN, FIRE)

    def start(self) -> None:
        """Starts at the surface, alone and with all of the oxygen."""
        self._x, self._y, self._rightward = 5, 0, False
        self._oxygen = _MOST_OXYGEN
        self._saved = 0
        self._at_surface = True
        self._bullets: list[_Swimmer] = []
        self._shots: list[_Swimmer] = []
        self._fish: list[_Swimmer] = []
        self._subs: list[_Swimmer] = []
        self._divers: list[_Swimmer] = []
        self._spawn_period = self._spawn_wait = _SPAWN_PERIOD
        self._diver_wait = _DIVER_PERIOD
        self._move_period = _MOVE_PERIOD
        self._ramps = 0
        self._cool_down = 0

    def act(self, action: int) -> tuple[float, bool]:
        """Spawns enemies and divers, moves the submarine, then everything else."""
        self._spawn()
        self._steer(action)
        reward = self._move_bullets()
        self._move_divers()
        over = False
        for enemies in (self._subs, self._fish):
            hits, met = self._move_enemies(enemies)
            reward, over = reward + hits, over or met
            if enemies is self._subs:
                over |= self._move_shots()
        gained, ended = self._breathe()
        return reward + gained, over or ended

    def _spawn(self) -> None:
        if not self._spawn_wait:
            self._spawn_enemy()
            self._spawn_wait = self._spawn_period
        if not self._diver_wait:
            rightward = self._draw_direction()
            y = int(self._rng.integers(1, SIZE - 1))
            x = 0 if rightward else SIZE - 1
            self._divers.append(_Swimmer(x, y, rightward, _MOVE_PERIOD))
            self._diver_wait = _DIVER_PERIOD

    def _spawn_enemy(self) -> None:
        """Spawns an enemy, unless one in its row moves in the other direction."""
        rightward = self._draw_direction()
        is_sub = bool(self._rng.random() < 1 / 3)
        y = int(self._rng.integers(1, SIZE - 1))
        in_row = [enemy for enemy in self._subs + self._fish if enemy.y == y]
        if any(enemy.rightward != rightward for enemy in in_row):
            return
        x = 0 if rightward else SIZE - 1
        enemy = _Swimmer(x, y, rightward, self._move_period, _SHOT_PERIOD)
        (self._subs if is_sub else self._fish).append(enemy)

    def _steer(self, action: int) -> None:
        if action == FIRE and not self._cool_down:
            self._bullets.append(_Swimmer(self._x, self._y, self._rightward))
            self._cool_down = _COOL_DOWN
        elif action in (LEFT, RIGHT):
            self._rightward = action == RIGHT
            self._x = moved(self._x, 1 if self._rightward else -1)
        elif action in (UP, DOWN):
            self._y = moved(self._y, -1 if action == UP else 1, 0, _DEEPEST)

    def _move_bullets(self) -> float:
        """Moves the submarine's bullets; returns how many hit."""
        hits = 0
        for bullet in reversed(self._bullets):
            bullet.advance()
            if not on_board(bullet.x):
                self._bullets.remove(bullet)
                continue
            for enemies in (self._fish, self._subs):
                hit = _first_at(enemies, bullet.x, bullet.y)
                if hit is not None:
                    enemies.remove(hit)
                    self._bullets.remove(bullet)
                    hits += 1
                    break
        return float(hits)

    def _move_divers(self) -> None:
        for diver in reversed(self._divers):
            if self._takes_in(diver):
                continue
            if diver.wait:
                diver.wait -= 1
                continue
            diver.wait = _MOVE_PERIOD
            diver.advance()
            if not on_board(diver.x):
                self._divers.remove(diver)
            else:
                self._takes_in(diver)

    def _takes_in(self, diver: _Swimmer) -> bool:
        """Takes a diver in that is where the submarine is, if there is room."""
        if not diver.is_at(self._x, self._y) or self._saved >= _MOST_DIVERS:
            return False
        self._divers.remove(diver)
        self._saved += 1
        return True

    def _move_enemies(self, enemies: list[_Swimmer]) -> tuple[float, bool]:
        """Moves fish, or subs, which shoot; returns hits, and whether the game ends."""
        hits, over = 0, False
        for enemy in reversed(enemies):
            over |= enemy.is_at(self._x, self._y)
            if enemy.wait:
                enemy.wait -= 1
            else:
                enemy.wait = self._move_period
                enemy.advance()
                if not on_board(enemy.x):
                    enemies.remove(enemy)
                elif enemy.is_at(self._x, self._y):
                    over = True
                elif bullet := _first_at(self._bullets, enemy.x, enemy.y):
                    enemies.remove(enemy)
                    self._bullets.remove(bullet)
                    hits += 1
            # As in the original, also one that has just been removed.
            if enemies is self._subs:
                self._let_shoot(enemy)
        return float(hits), over

    def _let_shoot(self, sub: _Swimmer) -> None:
        if sub.shot_wait:
            sub.shot_wait -= 1
            return
        sub.shot_wait = _SHOT_PERIOD
        self._shots.append(_Swimmer(sub.x, sub.y, sub.rightward))

    def _move_shots(self) -> bool:
        """Moves the enemies' shots; returns whether one hits the submarine."""
        over = False
        for shot in reversed(self._shots):
            over |= shot.is_at(self._x, self._y)
            shot.advance()
            if not on_board(shot.x):
                self._shots.remove(shot)
            else:
                over |= shot.is_at(self._x, self._y)
        return over

    def _breathe(self) -> tuple[float, bool]:
        """Counts down; returns what coming up gives, and whether the game ends."""
        self._spawn_wait = max(0, self._spawn_wait - 1)
        self._diver_wait = max(0, self._diver_wait - 1)
        self._cool_down = max(0, self._cool_down - 1)
        over = self._oxygen <= 0
        if self._y:
            self._oxygen -= 1
            self._at_surface = False
            return 0.0, over
        if self._at_surface:
            return 0.0, over
        if not self._saved:
            return 0.0, True
        return self._come_up(), over

    def _come_up(self) -> float:
        self._at_surface = True
        gained = 0
        if self._saved == _MOST_DIVERS:
            self._saved = 0
            gained = self._oxygen * 10 // _MOST_OXYGEN
        self._oxygen = _MOST_OXYGEN
        # As in the original: it is -1 after all six have been brought up.
        self._saved -= 1
        slowest = self._spawn_period > 1 or self._move_period > _LEAST_MOVE_PERIOD
        if self._ramping and slowest:
            if self._move_period > _LEAST_MOVE_PERIOD and self._ramps % 2:
                self._move_period -= 1
            if self._spawn_period > 1:
                self._spawn_period -= 1
            self._ramps += 1
        return float(gained)

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Yields everything in the water, trails behind it, and both gauges."""
        yield self._y, self._x, 0
        yield self._y, self._x + (-1 if self._rightward else 1), 1
        for oxygen in range(max(self._oxygen, 0) * 10 // _MOST_OXYGEN):
            yield SIZE - 1, oxygen, 7
        for diver in range(self._saved):
            yield SIZE - 1, SIZE - 2 - diver, 8
        for swimmers, channel, has_trail in (
            (self._bullets, 2, False),
            (self._shots, 4, False),
            (self._fish, 5, True),
            (self._subs, 6, True),
            (self._divers, 9, True),
        ):
            for swimmer in swimmers:
                yield swimmer.y, swimmer.x, channel
                behind = swimmer.x - 1 if swimmer.rightward else swimmer.x + 1
                if has_trail and on_board(behind):
                    yield swimmer.y, behind, 3


def _first_at(swimmers: list[_Swimmer], x: int, y: int) -> _Swimmer | None:
    return next((swimmer for swimmer in swimmers if swimmer.is_at(x, y)), None)
