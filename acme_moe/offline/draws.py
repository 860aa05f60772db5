"""Draws from a fixed dataset, each with a stream of random numbers of its own."""

from __future__ import annotations

import enum

import numpy as np


class Draw(enum.IntEnum):
    """What is drawn. No value is 0, because NumPy fills missing entropy with zeros."""

    SHARES = 1
    ROWS = 2
    BATCH = 3


def make_generator(draw: Draw, seed: int, number: int = 0) -> np.random.Generator:
    """Makes the generator of a draw, which shares its stream with no other draw.

    Each file or batch that is drawn has a number of its own.
    """
    return np.random.default_rng([draw, seed, number])
