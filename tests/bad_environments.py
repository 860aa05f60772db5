"""Corridors from outside, each with one fault, for the check that finds it."""

import dm_env
import numpy as np
from dm_env import specs

from acme_moe.specs import StackedFrames
from tests.corridor import Corridor, CorridorConfig


class Wide(Corridor):
    def observation_spec(self):
        return specs.Array((self._length + 1,), np.float64)


class NotFinite(Corridor):
    def _observation(self):
        return np.where(super()._observation() > 0, np.inf, np.nan)


class NoEnd(Corridor):
    """Starts its next episode with no step that says so."""

    def step(self, action):
        timestep = super().step(action)
        if timestep.last():
            return super().reset()
        return timestep


class OneBuffer(Corridor):
    def __init__(self, length, seed):
        super().__init__(length, seed)
        self._buffer = np.zeros(length, np.float32)

    def _observation(self):
        self._buffer[:] = super()._observation()
        return self._buffer

    def observation_spec(self):
        return specs.Array((self._length,), np.float32)


class Unseeded(Corridor):
    def __init__(self, length, seed):
        super().__init__(length, None)


class Unstacked(Corridor):
    def _observation(self):
        stack = np.zeros((1, self._length, 2), np.uint8)
        stack[0, self._place] = 255
        return stack

    def observation_spec(self):
        return StackedFrames(1, self._length, 2)


class Discounted(Corridor):
    def step(self, action):
        return super().step(action)._replace(discount=1.5)


class Grey(Corridor):
    def render(self):
        return np.zeros((4, 4), np.uint8)


def _maker(kind):
    def make(game: str, seed: int, config: CorridorConfig) -> dm_env.Environment:
        return kind(config.length, seed)

    return make


wide, no_end, one_buffer, unseeded = map(_maker, (Wide, NoEnd, OneBuffer, Unseeded))
unstacked, discounted, grey = map(_maker, (Unstacked, Discounted, Grey))
not_finite = _maker(NotFinite)
