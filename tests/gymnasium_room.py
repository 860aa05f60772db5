"""An environment that registers itself with Gymnasium; its id is `Room-v0`."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Room(gymnasium.Env):
    """Go to the goal; observations are a dictionary of many kinds."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.action_space = spaces.Discrete(2, start=1)
        self.observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 255, (4, 3, 1), np.uint8),
                "position": spaces.Box(-1, 1, (2,), np.float64),
                "count": spaces.Box(-(2**40), 2**40, (1,), np.int64),
                "place": spaces.Discrete(5, start=3),
                "flags": spaces.MultiBinary(3),
                "pair": spaces.Tuple((spaces.MultiDiscrete([2, 3]),)),
            }
        )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._place = int(self.np_random.integers(4))
        self._steps = 0
        return self._observe(), {}

    def step(self, action):
        assert action in (1, 2)
        self._place = max(0, self._place + 2 * int(action) - 3)
        self._steps += 1
        done = self._place == 4
        return self._observe(), float(done), done, self._steps == 10, {}

    def _observe(self):
        return {
            "image": np.full((4, 3, 1), self._place, np.uint8),
            "position": np.array([self._place / 4, -0.5]),
            "count": np.array([2**35 * self._steps]),
            "place": self._place + 3,
            "flags": np.array([1, 0, 1], np.int8),
            "pair": (np.array([1, 2]),),
        }

    def render(self):
        return np.full((20, 30, 3), 50 * self._place, np.uint8)


class DarkRoom(Room):
    """A room whose constructor does not take the mode that its class names."""

    def __init__(self):
        super().__init__()


gymnasium.register("Room-v0", Room)
gymnasium.register("DarkRoom-v0", DarkRoom)
