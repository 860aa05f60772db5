"""The suite of Atari 2600 games; imports no emulator before a game is made."""

from __future__ import annotations

import dataclasses

from acme_moe import lazy, validation
from acme_moe.environments.games import GAMES
from acme_moe.environments.scores import SCORES
from acme_moe.environments.suite import EnvironmentConfig, Suite


@dataclasses.dataclass(frozen=True)
class AtariConfig(EnvironmentConfig):
    """Settings of an Atari environment.

    The defaults are those of Machado et al. (2018), "Revisiting the Arcade Learning
    Environment", as the paper's online experiments use them. Its Atari-100k agents
    have no sticky actions, end an episode with each life, and start a game with up to
    29 no-ops.

    Attributes:
      name: name of the suite.
      sticky_action_probability: probability, at each frame, that the emulator repeats
        its last action instead of the agent's.
      terminal_on_life_loss: whether a lost life ends an episode. The game continues in
        the next one.
      max_episode_steps: agent steps of a whole game, over all of its lives; 27,000
        are 108,000 frames, half an hour. A longer game is truncated.
      max_noop_starts: a game starts with a number of no-ops below this, in agent steps,
        sampled uniformly at each new game and never after a lost life; 30 in the
        reference's Atari-100k runner, 0 or 1 for none.
      frame_skip: frames that an action is held for.
      frame_stack: frames that an observation holds.
      screen_size: rows and columns of a frame, in pixels.
      full_action_space: whether the agent has all 18 actions of the console, not only
        those that the game reacts to.
      mode: mode of the game, a number of ALE's; None for the game's default.
      difficulty: difficulty of the game, likewise.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    name: str = dataclasses.field(default="atari", kw_only=True)
    sticky_action_probability: float = 0.25
    terminal_on_life_loss: bool = False
    max_episode_steps: int = 27_000
    max_noop_starts: int = 0
    frame_skip: int = 4
    frame_stack: int = 4
    screen_size: int = 84
    full_action_space: bool = False
    mode: int | None = None
    difficulty: int | None = None

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.between(
            "sticky_action_probability", self.sticky_action_probability, 0, 1
        )
        for name in ("max_episode_steps", "frame_skip", "frame_stack", "screen_size"):
            validation.at_least(name, getattr(self, name), 1)
        validation.at_least("max_noop_starts", self.max_noop_starts, 0)


SUITE = Suite(
    config_class=AtariConfig,
    make=lazy.function("acme_moe.environments.atari", "AtariEnvironment"),
    default_game="Pong",
    games=GAMES,
    scores=SCORES,
    parallel=True,
)
