"""What is drawn of a fixed dataset, each from a stream of random numbers of its own."""

from __future__ import annotations

import enum

import numpy as np


class Draw(enum.IntEnum):
    """What is drawn. None is 0, as NumPy takes entropy that is missing for zeros."""

    SHARES = 1
    ROWS = 2
    BATCH = 3


def make_generator(draw: Draw, seed: int, number: int = 0) -> np.random.Generator:
    """Makes the generator of a draw, which shares its stream with no other draw.

    Args:
      draw: what is drawn.
      seed: of that.
      number: of the file or batch.
    """
    return np.random.default_rng([draw, seed, number])
