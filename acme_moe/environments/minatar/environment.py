"""A MinAtar game as a `dm_env`."""

from __future__ import annotations

import colorsys

import dm_env
import numpy as np
from dm_env import specs

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


class MinAtarEnvironment(dm_env.Environment):
    """A game, with sticky actions.

    An observation is the board, `uint8 [10, 10, channels]` of 0 and 255, which networks
    here scale to 0 and 1. Rewards are not clipped.
    """

    def __init__(
        self, game: str, seed: int = 0, config: MinAtarConfig | None = None
    ) -> None:
        """Starts no game yet.

        Args:
          game: its name, as in the suite.
          seed: of the game and of its sticky actions.
          config: the environment's settings.
        """
        self._config = config = MinAtarConfig() if config is None else config
        self._rng = np.random.default_rng(seed)
        self._game = _GAMES[game](self._rng, ramping=config.difficulty_ramping)
        full = range(len(ACTION_NAMES))
        self._actions = tuple(full if config.full_action_space else self._game.actions)
        self._last_action = NOOP
        self._steps = 0
        self._in_episode = False

    def reset(self) -> dm_env.TimeStep:
        """Starts a game."""
        self._game.start()
        self._steps = 0
        self._in_episode = True
        return dm_env.restart(self._observation())

    def step(self, action: int | np.integer | np.ndarray) -> dm_env.TimeStep:
        """Takes a step, with the action before instead by chance.

        Args:
          action: an index into the actions of `action_spec`. Ignored if this starts an
            episode, before the first `reset` or after a `LAST` step.

        Raises:
          ValueError: if there is no such action.
        """
        if not self._in_episode:
            return self.reset()
        index = int(action)
        if not 0 <= index < len(self._actions):
            raise ValueError(f"action: {index} is not in [0, {len(self._actions)})")
        if self._rng.random() >= self._config.sticky_action_probability:
            self._last_action = self._actions[index]
        reward, over = self._game.act(self._last_action)
        self._steps += 1
        self._in_episode = not over and self._steps < self._config.max_episode_steps
        return dm_env.TimeStep(
            dm_env.StepType.MID if self._in_episode else dm_env.StepType.LAST,
            np.float32(reward),
            np.float32(not over),
            self._observation(),
        )

    def _observation(self) -> np.ndarray:
        board = np.zeros((SIZE, SIZE, len(self._game.channels)), np.uint8)
        for place in self._game.places():
            board[place] = _SET
        return board

    def observation_spec(self) -> specs.BoundedArray:
        """Returns `uint8 [10, 10, channels]`."""
        shape = (SIZE, SIZE, len(self._game.channels))
        return specs.BoundedArray(shape, np.uint8, 0, _SET, "board")

    def action_spec(self) -> specs.DiscreteArray:
        """Returns `int32` indices into `action_names`."""
        return specs.DiscreteArray(len(self._actions), np.int32, "action")

    def reward_spec(self) -> specs.Array:
        """Returns `float32`."""
        return specs.Array((), np.float32, "reward")

    def discount_spec(self) -> specs.BoundedArray:
        """Returns `float32`: 0 at a terminal, 1 elsewhere, truncations included."""
        return specs.BoundedArray((), np.float32, 0, 1, "discount")

    def render(self) -> np.ndarray:
        """Returns the board in colour, a channel a hue, `uint8 [10, 10, 3]`."""
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
