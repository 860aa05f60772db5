"""The library's Catch on the board that tests here have, 6 x 5, as image or vector."""

import numpy as np
from dm_env import specs

from acme_moe.environments import bsuite

ROWS, COLUMNS = 6, 5
# Of a paddle that moves at random, rounded; what `random_return` gives.
RANDOM_RETURN = -0.59


class Catch(bsuite.Catch):
    """Observations are `uint8 [ROWS, COLUMNS, 1]`, or a `float32` vector."""

    def __init__(self, seed=0, *, image=True):
        super().__init__(seed, rows=ROWS, columns=COLUMNS, image=image)
        self._image = image

    def _observation(self):
        observation = super()._observation()
        return observation if self._image else observation.reshape(-1)

    def observation_spec(self):
        """An image or a vector."""
        if self._image:
            return super().observation_spec()
        return specs.BoundedArray((ROWS * COLUMNS,), np.float32, 0, 1, "board")


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
