"""Catch: a ball falls down a board; a paddle on the lowest row should be under it."""

import dm_env
import numpy as np
from dm_env import specs

ROWS, COLUMNS = 6, 5
# Of a paddle that moves at random, rounded; what `random_return` gives.
RANDOM_RETURN = -0.59


class Catch(dm_env.Environment):
    """Actions are left, stay, right; the return of an episode is 1 or -1.

    Observations are `uint8 [ROWS, COLUMNS, 1]` of 0 and 255, or the same board as a
    `float32` vector of 0 and 1.
    """

    def __init__(self, seed=0, *, image=True):
        self._rng = np.random.default_rng(seed)
        self._image = image
        self._over = True

    def reset(self):
        """Starts with the ball at the top and the paddle in the middle."""
        self._ball = (0, int(self._rng.integers(COLUMNS)))
        self._paddle = COLUMNS // 2
        self._over = False
        return dm_env.restart(self._observation())

    def step(self, action):
        """Moves the paddle, then the ball."""
        if self._over:
            return self.reset()
        self._paddle = min(max(self._paddle + int(action) - 1, 0), COLUMNS - 1)
        row, column = self._ball
        self._ball = (row + 1, column)
        if row + 1 < ROWS - 1:
            return dm_env.transition(reward=0.0, observation=self._observation())
        self._over = True
        reward = 1.0 if column == self._paddle else -1.0
        return dm_env.termination(reward=reward, observation=self._observation())

    def _observation(self):
        board = np.zeros((ROWS, COLUMNS), bool)
        board[self._ball] = True
        board[ROWS - 1, self._paddle] = True
        if self._image:
            return board.astype(np.uint8)[..., None] * np.uint8(255)
        return board.reshape(-1).astype(np.float32)

    def observation_spec(self):
        """An image or a vector."""
        if self._image:
            return specs.BoundedArray((ROWS, COLUMNS, 1), np.uint8, 0, 255, "board")
        return specs.BoundedArray((ROWS * COLUMNS,), np.float32, 0, 1, "board")

    def action_spec(self):
        """Left, stay, right."""
        return specs.DiscreteArray(3, name="action")


def random_return(episodes=20_000, seed=0):
    """Mean return of a paddle that moves at random."""
    rng = np.random.default_rng(seed)
    environment, total = Catch(seed), 0.0
    for _ in range(episodes):
        timestep = environment.reset()
        while not timestep.last():
            timestep = environment.step(rng.integers(3))
        total += timestep.reward
    return total / episodes
