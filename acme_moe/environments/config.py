"""Settings of an Atari environment."""

from __future__ import annotations

import dataclasses

from acme_moe import validation


@dataclasses.dataclass(frozen=True)
class AtariConfig:
    """How the emulator is turned into an environment.

    The defaults are those of Machado et al. (2018), "Revisiting the Arcade Learning
    Environment", as the paper's online experiments use them. Its Atari-100k agents
    have no sticky actions and end an episode with each life.

    Attributes:
      sticky_action_probability: that the emulator repeats its last action instead of
        the agent's, drawn anew at each of its frames.
      terminal_on_life_loss: whether a lost life ends an episode. The game goes on in
        the next one.
      max_episode_steps: agent steps of a whole game, over all of its lives; 27,000
        are 108,000 frames, half an hour. A longer game is truncated.
      frame_skip: frames that an action is held for.
      frame_stack: frames that an observation holds.
      screen_size: rows and columns of a frame, in pixels.
      full_action_space: whether the agent has all 18 actions of the console, not only
        those that the game reacts to.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    sticky_action_probability: float = 0.25
    terminal_on_life_loss: bool = False
    max_episode_steps: int = 27_000
    frame_skip: int = 4
    frame_stack: int = 4
    screen_size: int = 84
    full_action_space: bool = False

    def __post_init__(self) -> None:
        validation.check_types(self)
        probability = self.sticky_action_probability
        if not 0 <= probability <= 1:
            raise ValueError(
                f"sticky_action_probability: {probability!r} is not in [0, 1]"
            )
        for name in ("max_episode_steps", "frame_skip", "frame_stack", "screen_size"):
            validation.at_least(name, getattr(self, name), 1)
