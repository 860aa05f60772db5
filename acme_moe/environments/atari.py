"""An Atari 2600 game, played in the Arcade Learning Environment, as a `dm_env`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ale_py
import numpy as np
from ale_py import roms

from acme_moe import validation
from acme_moe.environments.atari_suite import AtariConfig
from acme_moe.environments.discrete import DiscreteEnvironment
from acme_moe.environments.games import resolve_game, rom_id
from acme_moe.environments.screen import Screen, stack_frames
from acme_moe.environments.suite import UnplayableError
from acme_moe.specs import StackedFrames

_MAX_SEED = 2**32 - 1  # As Acme's distributed experiments draw them.


class AtariEnvironment(DiscreteEnvironment):
    """A game with the preprocessing of Mnih et al. (2015) and Machado et al. (2018).

    An observation is the last frames, `uint8 [screen_size, screen_size, frame_stack]`,
    newest last. The first one of an episode is zero but for its newest frame. It is
    a new array each time, which the caller may keep. An action is held for `frame_skip`
    frames, or until the episode ends. A reward is the change of the game's score.

    A *game* lasts until the emulator says that it is over, an *episode* until the agent
    gets a `LAST` step. They differ if `terminal_on_life_loss` is set: a lost life ends
    an episode with discount 0, and the next `reset` continues the same game and leaves
    the emulator alone. Any other `reset`, in the middle of an episode too, starts a new
    game. `game_over` and `episode_return` are those of the game.

    A game of `max_episode_steps` agent steps is truncated: the episode ends with
    discount 1, as the states that would follow have a value, and the next one starts a
    new game.

    With `max_noop_starts`, no-ops are played before a game's first observation. They
    count in no return or length, and their frames are not in the observation.
    """

    def __init__(
        self, game: str, seed: int = 0, config: AtariConfig | None = None
    ) -> None:
        """Loads a game.

        Args:
          game: its name, `MsPacman` or `ms_pacman`.
          seed: seed of the sticky actions and of the numbers of no-ops. It is not used
            again when a game starts, so the games of one environment differ.
          config: the environment's settings.

        Raises:
          ValueError: if there is no such game, or the seed is not in [0, 2^32).
          UnplayableError: if the game lacks the mode or difficulty.
        """
        self._game = resolve_game(game)
        validation.between("seed", seed, 0, _MAX_SEED)
        self._config = config = AtariConfig() if config is None else config
        # Before the emulator is made, which writes to stderr otherwise.
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self._ale = ale = ale_py.ALEInterface()
        ale.setInt("random_seed", int(seed) % 2**31)  # The emulator takes 31 bits.
        ale.setFloat("repeat_action_probability", config.sticky_action_probability)
        rom = roms.get_rom_path(rom_id(self._game))
        assert rom is not None  # `GAMES` has no others.
        ale.loadROM(rom)
        self._set("mode", config.mode, ale.getAvailableModes(), ale.setMode)
        self._set(
            "difficulty",
            config.difficulty,
            ale.getAvailableDifficulties(),
            ale.setDifficulty,
        )
        self._actions = tuple(
            ale.getLegalActionSet()
            if config.full_action_space
            else ale.getMinimalActionSet()
        )
        super().__init__(len(self._actions))
        self._spec = StackedFrames(
            config.screen_size, config.screen_size, config.frame_stack
        )
        self._screen = Screen(ale, config.screen_size)
        self._noop_starts = np.random.default_rng(seed)
        self._blank = np.zeros(self._spec.frame.shape, np.uint8)
        self._frames = [self._blank] * config.frame_stack
        self._lives = 0
        self._steps = 0
        self._return = 0
        self._game_over = True  # So that the first `reset` starts a game.

    def _set(
        self,
        name: str,
        value: int | None,
        accepted: Sequence[int],
        set_value: Callable[[int], None],
    ) -> None:
        """Sets the game's mode or difficulty, unless it is to be the default."""
        if value is None:
            return
        if value not in accepted:
            raise UnplayableError(
                f"environment.{name}: {value} is not accepted for {self._game}; "
                f"{', '.join(map(str, accepted))}"
            )
        # From the next reset on, with which the first game starts.
        set_value(value)

    def _start(self) -> np.ndarray:
        if self._in_episode or self._game_over:
            self._start_game()
            self._screen.pool()
            newest = self._screen.resize()
        else:
            newest = self._frames[-1]
        self._frames = [self._blank] * (self._config.frame_stack - 1) + [newest]
        return stack_frames(self._frames)

    def _move(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        reward, terminal = self._play(self._actions[action])
        self._steps += 1
        self._return += reward
        if self._steps >= self._config.max_episode_steps:
            self._game_over = True
        self._screen.pool()
        self._frames = [*self._frames[1:], self._screen.resize()]
        return stack_frames(self._frames), reward, terminal, self._game_over

    def _start_game(self) -> None:
        """Starts the emulator's next game, and plays its no-ops.

        As in Dopamine, a no-op that ends an episode restarts the game, and the
        remaining no-ops follow.
        """
        self._reset_emulator()
        choices = self._config.max_noop_starts
        noops = int(self._noop_starts.integers(choices)) if choices else 0
        for _ in range(noops):
            _, terminal = self._play(ale_py.Action.NOOP)
            if terminal:
                self._reset_emulator()
        self._steps = 0
        self._return = 0

    def _reset_emulator(self) -> None:
        """Resets the emulator to a game's start, and fetches its first screen."""
        self._ale.reset_game()
        self._lives = self._ale.lives()
        self._game_over = False
        self._screen.clear()
        self._screen.fetch(0)

    def _play(self, action: ale_py.Action) -> tuple[int, bool]:
        """Holds an action for `frame_skip` frames, or until the episode ends.

        The screen gets the last two of the frames. As in Dopamine, it keeps the
        older ones if the episode ends before them.

        Returns:
          The reward, and whether the game, or a life that counts, ended.
        """
        ale = self._ale
        frame_skip = self._config.frame_skip
        first_pooled = max(0, frame_skip - 2)
        ends_with_life = self._config.terminal_on_life_loss
        reward = 0
        terminal = False
        for i in range(frame_skip):
            reward += ale.act(action)
            if ale.game_over():
                self._game_over = terminal = True
            if ends_with_life:
                lives = ale.lives()
                terminal = terminal or lives < self._lives
                self._lives = lives
            if i >= first_pooled:
                self._screen.fetch(i - first_pooled)
            if terminal:
                break
        return reward, terminal

    def observation_spec(self) -> StackedFrames:
        """Returns `uint8 [screen_size, screen_size, frame_stack]`, newest last."""
        return self._spec

    def render(self) -> np.ndarray:
        """Returns the emulator's screen in colour, a new `uint8 [height, width, 3]`."""
        return self._ale.getScreenRGB()

    @property
    def game(self) -> str:
        """The game's name as in `acme_moe.environments.GAMES`."""
        return self._game

    @property
    def action_names(self) -> tuple[str, ...]:
        """The console's names of the actions of `action_spec`, such as `UPFIRE`."""
        return tuple(action.name for action in self._actions)

    @property
    def lives(self) -> int:
        """Lives left in the game, 0 in games without lives."""
        return self._ale.lives()

    @property
    def ale(self) -> ale_py.ALEInterface:
        """The emulator, to read from: acting on it changes the episode."""
        return self._ale

    @property
    def game_over(self) -> bool:
        """True if the last step ended or truncated the game, and not only a life.

        Also true before the first `reset`.
        """
        return self._game_over

    @property
    def episode_return(self) -> float:
        """Sum of the rewards of the game so far, over all of its lives, not clipped.

        Stays until `reset` starts a new game.
        """
        return float(self._return)
