"""The environments of a run."""

from __future__ import annotations

import dataclasses

from acme_moe.environments import AtariConfig, AtariEnvironment


def make_environment(
    game: str, seed: int, config: AtariConfig, *, evaluation: bool = False
) -> AtariEnvironment:
    """An environment to train in, or to evaluate in.

    Args:
      game: an Atari game.
      seed: of the emulator.
      config: of the environment; evaluation uses the same, but its episodes always
        last for a whole game.
      evaluation: what it is for.
    """
    if evaluation:
        config = dataclasses.replace(config, terminal_on_life_loss=False)
    return AtariEnvironment(game, seed, config)
