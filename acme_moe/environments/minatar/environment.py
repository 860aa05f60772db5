"""A MinAtar game as a `dm_env`."""

from __future__ import annotations

import colorsys

import numpy as np
from dm_env import specs

from acme_moe.environments.discrete import DiscreteEnvironment
from acme_moe.environments.minatar.asterix import Asterix
from acme_moe.environments.minatar.breakout import Breakout
from acme_moe.environments.minatar.freeway import Freeway
from acme_moe.environments.minatar.game import ACTION_NAMES, NOOP, SIZE, Game
from acme_moe.environments.minatar.seaquest import Seaquest
from acme_moe.environments.minatar.space_invaders import SpaceInvaders
from acme_moe.environments.minatar_suite import MinAtarConfig

_GAMES: dict[str, type[Game]] = {
    "Asterix": Asterix,
    "Breakout": Breakout,
    "Freeway": Freeway,
    "Seaquest": Seaquest,
    "SpaceInvaders": SpaceInvaders,
}
_SET = 255


class MinAtarEnvironment(DiscreteEnvironment):
    """A game with sticky actions: a step may repeat the previous action instead.

    An observation is the board, `uint8 [10, 10, channels]` of 0 and 255, which networks
    here scale to 0 and 1. Rewards are not clipped.
    """

    def __init__(
        self, game: str, seed: int = 0, config: MinAtarConfig | None = None
    ) -> None:
        """Starts no game yet.

        Args:
          game: its name, as in the suite.
          seed: seed of the game and of its sticky actions.
          config: the environment's settings.
        """
        self._config = config = MinAtarConfig() if config is None else config
        self._rng = np.random.default_rng(seed)
        self._game = _GAMES[game](self._rng, ramping=config.difficulty_ramping)
        full = range(len(ACTION_NAMES))
        self._actions = tuple(full if config.full_action_space else self._game.actions)
        super().__init__(len(self._actions))
        self._last_action = NOOP
        self._steps = 0

    def _start(self) -> np.ndarray:
        self._game.start()
        self._steps = 0
        return self._observation()

    def _move(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        if self._rng.random() >= self._config.sticky_action_probability:
            self._last_action = self._actions[action]
        reward, over = self._game.act(self._last_action)
        self._steps += 1
        truncated = self._steps >= self._config.max_episode_steps
        return self._observation(), reward, over, truncated

    def _observation(self) -> np.ndarray:
        board = np.zeros((SIZE, SIZE, len(self._game.channels)), np.uint8)
        for place in self._game.places():
            board[place] = _SET
        return board

    def observation_spec(self) -> specs.BoundedArray:
        """Returns `uint8 [10, 10, channels]`."""
        shape = (SIZE, SIZE, len(self._game.channels))
        return specs.BoundedArray(shape, np.uint8, 0, _SET, "board")

    def render(self) -> np.ndarray:
        """Returns the board in colour, one hue per channel, `uint8 [10, 10, 3]`."""
        channels = len(self._game.channels)
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        # In the order of the channels' numbers, so the first ones stay on top.
        for row, column, channel in sorted(
            self._game.places(), key=lambda place: -place[2]
        ):
            colour = colorsys.hsv_to_rgb(channel / channels, 0.75, 1)
            picture[row, column] = [round(255 * part) for part in colour]
        return picture

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of the actions of `action_spec`, such as `LEFT`."""
        return tuple(ACTION_NAMES[action] for action in self._actions)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel of an observation shows."""
        return self._game.channels
