"""Turns the emulator's screens into the frames that an agent sees."""

from __future__ import annotations

import math
from collections.abc import Sequence

import ale_py
import cv2
import numpy as np

from acme_moe.environments.grayscale import GrayscaleScreens

# This many unchanged bands of rows end a run of bands that are resized in one call: a
# call costs about as much as resizing them.
_GAP = 4


class Screen:
    """Grayscale screens of one emulator, pooled over two frames and resized.

    Dopamine's preprocessing, byte for byte: luminance from the emulator's palette,
    the maximum of two successive frames (consoles draw some objects only in every
    other one), area-averaged to a square.

    Most rows of a screen do not change from one step to the next, so only rows that
    changed are resized again.
    """

    def __init__(self, ale: ale_py.ALEInterface, size: int) -> None:
        """Reads screens from an emulator.

        Args:
          ale: an emulator with a game loaded.
          size: rows and columns of a frame, in pixels.
        """
        self._size = size
        height, width = ale.getScreenDims()
        self._grayscale = GrayscaleScreens(ale)
        # The pooled screen and the one before it alternate in these two. Both have a
        # view of eight pixels a word, for faster comparison; a row has 160.
        self._pooled, self._before = (
            (pixels, pixels.reshape(-1).view(np.uint64))
            for pixels in np.zeros((2, height, width), np.uint8)
        )
        # Which words differ, as an array to write and as bytes to search: at this size
        # searching bytes takes a fraction of the time of NumPy's reductions.
        self._differs = bytearray(self._pooled[1].size)
        self._differs_array = np.frombuffer(self._differs, np.bool_)
        self._frame = np.zeros((size, size), np.uint8)  # Resized from `_before`.
        # A band of `_source` rows of the screen becomes `_target` rows of the frame.
        bands = count_bands(height, width, size)
        self._source, self._target = height // bands, size // bands
        self._words = len(self._differs) // bands

    def clear(self) -> None:
        """Clears the two latest frames, as at the start of a game."""
        self._grayscale.clear()

    def fetch(self, slot: int) -> None:
        """Keeps the emulator's current screen as one of the two frames to pool.

        Args:
          slot: which of the two, 0 or 1.
        """
        self._grayscale.fetch(slot)

    def pool(self) -> None:
        """Takes the maximum of the two frames."""
        first, second = self._grayscale.pixels
        np.maximum(first, second, out=self._pooled[0])

    def resize(self) -> np.ndarray:
        """Resizes what `pool` made.

        Returns:
          A new `uint8 [size, size]` array.
        """
        pixels, words = self._pooled
        np.not_equal(words, self._before[1], out=self._differs_array)
        differs = self._differs
        frame = self._frame.copy()
        width, source, target = self._words, self._source, self._target
        found = differs.find(1)
        while found >= 0:
            start = found // width
            while found >= 0:
                stop = found // width + 1
                found = differs.rfind(1, stop * width, (stop + _GAP) * width)
            cv2.resize(
                pixels[start * source : stop * source],
                (self._size, (stop - start) * target),
                dst=frame[start * target : stop * target],
                interpolation=cv2.INTER_AREA,
            )
            found = differs.find(1, (stop + _GAP) * width)
        self._pooled, self._before = self._before, self._pooled
        self._frame = frame
        return frame


def stack_frames(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks frames along a new last axis.

    Several times faster than `np.stack`, which interleaves byte by byte, and than
    moving the frames of the observation before by one.

    Args:
      frames: `uint8 [height, width]` each.

    Returns:
      A new `uint8 [height, width, len(frames)]` array.
    """
    # OpenCV leaves the last axis out where there is one frame.
    return cv2.merge(frames).reshape(*frames[0].shape, len(frames))


def count_bands(height: int, width: int, size: int) -> int:
    """Counts the bands of rows of a screen that can be resized independently.

    The rows of a band get the same weights as in the whole screen if the number of
    screen rows per frame row is exact in floating point (210 to 84 is 2.5), and each
    row of the frame is an average of rows of one band. All but a handful of games have
    210 rows; the others are resized whole.

    Args:
      height: rows of the screen.
      width: columns of the screen.
      size: rows and columns of the frame.

    Returns:
      A number that divides both `height` and `size`.
    """
    bands = math.gcd(height, size)
    rows = size // bands
    exact = rows & (rows - 1) == 0
    shrinks = size <= min(height, width)  # Enlarging blends pixels across bands.
    return bands if exact and shrinks else 1
