"""Reads an emulator's screens in grayscale."""

from __future__ import annotations

import ale_py
import numpy as np

# Marks the luminance of a colour that was not seen yet. If a colour had this luminance,
# each screen with it would be converted whole, which is only slower; no console has
# such a colour.
_UNSEEN = 1

# If more than one part in so many of a screen changes, all of it is converted.
_SMALL_CHANGE = 3


class GrayscaleScreens:
    """The two latest screens of one emulator, byte for byte its `getScreenGrayscale`.

    That method looks up each pixel, which takes a tenth of the time of playing a frame.
    Few pixels change from one step to the next, so only those are looked up here, in a
    table of luminances that is filled as colours appear. The table depends on the
    cartridge's television standard, which the emulator does not report.
    """

    def __init__(self, ale: ale_py.ALEInterface) -> None:
        """Reads screens from an emulator with a game loaded."""
        self._ale = ale
        shape = (2, *ale.getScreenDims())
        self.pixels = np.zeros(shape, np.uint8)
        """The screens, `uint8 [2, height, width]`."""
        self._colors = np.zeros(shape, np.uint8)
        before = np.zeros(shape, np.uint8)
        # Eight pixels a word, for faster comparison; a row has 160.
        self._words, self._words_before, self._pixel_words = (
            x.reshape(2, -1).view(np.uint64)
            for x in (self._colors, before, self.pixels)
        )
        self._differs = np.zeros(self._words.shape[1], np.bool_)
        self._luminances = bytes([_UNSEEN] * 256)
        self._cleared = [True, True]

    def clear(self) -> None:
        """Makes both screens black."""
        self.pixels.fill(0)
        self._cleared = [True, True]

    def fetch(self, slot: int) -> None:
        """Reads the emulator's current screen.

        Args:
          slot: which of the two it becomes, 0 or 1.
        """
        self._ale.getScreen(self._colors[slot])
        words, before = self._words[slot], self._words_before[slot]
        np.not_equal(words, before, out=self._differs)
        (changed,) = self._differs.nonzero()
        if self._cleared[slot] or len(changed) * _SMALL_CHANGE > len(words):
            self._fetch_all(slot)
            return
        colors = words[changed]
        luminances = colors.tobytes().translate(self._luminances)
        if _UNSEEN in luminances:
            self._fetch_all(slot)
            self._learn(slot)
            return
        self._pixel_words[slot][changed] = np.frombuffer(luminances, np.uint64)
        before[changed] = colors

    def _fetch_all(self, slot: int) -> None:
        self._ale.getScreenGrayscale(self.pixels[slot])
        self._words_before[slot] = self._words[slot]
        self._cleared[slot] = False

    def _learn(self, slot: int) -> None:
        """Adds the luminances of a screen's colours to the table."""
        luminances = np.frombuffer(self._luminances, np.uint8).copy()
        luminances[self._colors[slot]] = self.pixels[slot]
        self._luminances = luminances.tobytes()
