"""The screens are the emulator's own, whatever changes between two of them."""

import ale_py
import numpy as np
import pytest
from ale_py import roms

from acme_moe.environments.grayscale import GrayscaleScreens


class CountingEmulator(ale_py.ALEInterface):
    """Counts the screens that it converts."""

    converted = 0

    def getScreenGrayscale(self, *out):
        self.converted += 1
        return super().getScreenGrayscale(*out)


def emulator(rom):
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = CountingEmulator()
    ale.setInt("random_seed", 0)
    ale.loadROM(roms.get_rom_path(rom))
    return ale


# NTSC, flashing colours, whole screens that change; and three with other palettes.
@pytest.mark.parametrize(
    "rom", ["pong", "seaquest", "battle_zone", "adventure", "air_raid", "king_kong"]
)
def test_screens_are_those_of_the_emulator(rom):
    ale = emulator(rom)
    screens = GrayscaleScreens(ale)
    rng = np.random.default_rng(0)
    expected = np.zeros_like(screens.pixels)
    for _ in range(600):
        ale.act(ale.getLegalActionSet()[rng.integers(18)])
        for slot in np.flatnonzero(rng.random(2) < 0.4):
            screens.fetch(slot)
            expected[slot] = ale_py.ALEInterface.getScreenGrayscale(ale)
        if rng.random() < 0.02:
            screens.clear()
            expected[:] = 0
        np.testing.assert_array_equal(screens.pixels, expected)


def test_seldom_is_a_whole_screen_converted():
    ale = emulator("pong")
    screens = GrayscaleScreens(ale)
    for _ in range(300):
        ale.act(ale_py.Action.NOOP)
        screens.fetch(0)
    assert ale.converted < 10
