"""Catch and CartPole of bsuite (Osband et al., 2020), small and fast to learn.

Their dynamics are those of bsuite's `catch` and `cartpole`; no code is shared.
"""

from __future__ import annotations

import math

import numpy as np
from dm_env import specs

from acme_moe.environments.bsuite_suite import BsuiteConfig
from acme_moe.environments.discrete import DiscreteEnvironment
from acme_moe.specs import StackedFrames

_CELL = 32  # Pixels of a cell of Catch in a picture.


class Catch(DiscreteEnvironment):
    """A board on which a ball falls; a paddle on the lowest row should catch it.

    The return of an episode is 1 or -1. An observation is the board, `float32 [rows,
    columns]` of 0 and 1, or `uint8 [rows, columns, 1]` of 0 and 255: a stack of one
    frame, so that a run on it can be recorded for offline agents.
    """

    action_names = ("left", "stay", "right")

    def __init__(
        self, seed: int = 0, *, rows: int = 10, columns: int = 5, image: bool = False
    ) -> None:
        """Starts no episode yet.

        Args:
          seed: seed of the columns in which balls fall.
          rows: number of rows of the board.
          columns: number of columns of the board.
          image: whether observations are images.
        """
        super().__init__(len(self.action_names))
        self._rng = np.random.default_rng(seed)
        self._shape = (rows, columns)
        self._image = image

    def _start(self) -> np.ndarray:
        columns = self._shape[1]
        self._ball = (0, int(self._rng.integers(columns)))
        self._paddle = columns // 2
        return self._observation()

    def _move(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        rows, columns = self._shape
        self._paddle = min(max(self._paddle + action - 1, 0), columns - 1)
        row, column = self._ball
        self._ball = (row + 1, column)
        over = row + 1 >= rows - 1
        reward = (1.0 if self._paddle == column else -1.0) if over else 0.0
        return self._observation(), reward, over, False

    def _board(self) -> np.ndarray:
        board = np.zeros(self._shape, np.float32)
        board[self._ball] = board[-1, self._paddle] = 1
        return board

    def _observation(self) -> np.ndarray:
        board = self._board()
        return (board * 255).astype(np.uint8)[..., None] if self._image else board

    def observation_spec(self) -> specs.BoundedArray:
        """Returns the board's spec."""
        if self._image:
            return StackedFrames(*self._shape, stack=1, name="board")
        return specs.BoundedArray(self._shape, np.float32, 0, 1, "board")

    def render(self) -> np.ndarray:
        """Returns the board, `uint8 [32 * rows, 32 * columns, 3]`."""
        cells = np.kron(self._board(), np.ones((_CELL, _CELL)))
        return np.repeat((cells * 255).astype(np.uint8)[..., None], 3, axis=-1)


# Cart and pole of Barto, Sutton and Anderson (1983), and bsuite's numbers: SI units.
_GRAVITY = 9.8
_MASS_POLE, _MASS = 0.1, 1.1  # The latter is that of cart and pole together.
_HALF_LENGTH = 0.5
_FORCE = 10.0
_SECONDS = 0.01
_LEAST_COSINE = 0.8
_LARGEST_POSITION = 3.0
_STEPS = 1_000  # An episode ends with the first step after these.
_LARGEST_START = 0.05
_HEIGHT, _WIDTH = 210, 320  # Of the picture.


class CartPole(DiscreteEnvironment):
    """A cart that keeps a pole from falling; each step gives 1 while the pole stands.

    An episode ends when the pole falls, the cart leaves the track, or 10 s are over,
    with discount 0 in each case, as in bsuite: the time is part of the observation. An
    observation is `float32 [6]`: position and velocity of the cart, divided by half the
    length of the track; sine and cosine of the pole's angle; its angular velocity; and
    the share of the 10 s that has passed.
    """

    action_names = ("left", "stay", "right")

    def __init__(self, seed: int = 0) -> None:
        """Starts no episode yet.

        Args:
          seed: seed of the states in which episodes start.
        """
        super().__init__(len(self.action_names))
        self._rng = np.random.default_rng(seed)
        self._state = np.zeros(4)

    def _start(self) -> np.ndarray:
        self._state = self._rng.uniform(-_LARGEST_START, _LARGEST_START, 4)
        self._steps = 0
        return self._observation()

    def _move(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        x, speed, angle, spin = self._state
        sine, cosine = math.sin(angle), math.cos(angle)
        push = (action - 1) * _FORCE + _MASS_POLE * _HALF_LENGTH * spin**2 * sine
        push /= _MASS
        inertia = _HALF_LENGTH * (4 / 3 - _MASS_POLE * cosine**2 / _MASS)
        spin_up = (_GRAVITY * sine - cosine * push) / inertia
        speed_up = push - _MASS_POLE * _HALF_LENGTH * spin_up * cosine / _MASS
        self._state = self._state + _SECONDS * np.array(
            [speed, speed_up, spin, spin_up]
        )
        self._steps += 1
        x, _, angle, _ = self._state
        stands = math.cos(angle) > _LEAST_COSINE and abs(x) < _LARGEST_POSITION
        over = not stands or self._steps > _STEPS
        return self._observation(), float(stands), over, False

    def _observation(self) -> np.ndarray:
        x, speed, angle, spin = self._state
        scaled = x / _LARGEST_POSITION, speed / _LARGEST_POSITION
        turned = math.sin(angle), math.cos(angle), spin
        return np.array([*scaled, *turned, self._steps / _STEPS], np.float32)

    def observation_spec(self) -> specs.Array:
        """Returns `float32 [6]`."""
        return specs.Array((6,), np.float32, "observation")

    def render(self) -> np.ndarray:
        """Returns the cart and its pole, `uint8 [210, 320, 3]`."""
        picture = np.zeros((_HEIGHT, _WIDTH, 3), np.uint8)
        x, _, angle, _ = self._state
        scale = _WIDTH / (2 * _LARGEST_POSITION) * 0.9
        cart = _WIDTH / 2 + x * scale
        floor = _HEIGHT - 30
        picture[floor + 10 : floor + 12] = 90
        _square(picture, floor, cart, 10, (110, 130, 150))
        for along in np.linspace(0, 2 * _HALF_LENGTH * scale * 2, 80):
            row, column = (
                floor - along * math.cos(angle),
                cart + along * math.sin(angle),
            )
            _square(picture, row, column, 2, (255, 170, 40))
        return picture


def _square(
    picture: np.ndarray, row: float, column: float, half: int, colour: tuple
) -> None:
    """Paints a square around a point, as far as it lies within the picture."""
    top, left = round(row) - half, round(column) - half
    rows = slice(max(top, 0), max(top + 2 * half, 0))
    columns = slice(max(left, 0), max(left + 2 * half, 0))
    picture[rows, columns] = colour


def make(game: str, seed: int, config: BsuiteConfig) -> Catch | CartPole:
    """Makes Catch or CartPole; see `Suite.make`."""
    if game == "CartPole":
        return CartPole(seed)
    return Catch(
        seed,
        rows=config.catch_rows,
        columns=config.catch_columns,
        image=config.catch_image,
    )
