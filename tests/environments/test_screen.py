import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe.environments import AtariConfig, AtariEnvironment
from acme_moe.environments.screen import Screen, count_bands, stack_frames


class FakeEmulator:
    """Shows what it is told to, in colours each of which has its own luminance."""

    LUMINANCES = np.random.default_rng(0).permutation(256).astype(np.uint8)
    COLORS = np.argsort(LUMINANCES).astype(np.uint8)

    def __init__(self, height, width=160):
        self.image = np.zeros((height, width), np.uint8)

    def getScreenDims(self):
        return self.image.shape

    def getScreen(self, out):
        np.copyto(out, self.COLORS[self.image])

    def getScreenGrayscale(self, out):
        np.copyto(out, self.image)


def show(screen, emulator, images):
    for slot, image in enumerate(images):
        emulator.image = image
        screen.fetch(slot)
    screen.pool()
    return screen.resize()


def resized(images, size):
    return cv2.resize(np.maximum(*images), (size, size), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("height", [210, 214, 220, 230, 250])
@pytest.mark.parametrize("size", [84, 42, 64, 105, 160, 210, 300])
def test_any_change_gives_what_resizing_the_whole_screen_gives(height, size):
    rng = np.random.default_rng(size)
    emulator = FakeEmulator(height)
    screen = Screen(emulator, size)
    images = rng.integers(256, size=(2, height, 160), dtype=np.uint8)
    for _ in range(12):
        np.testing.assert_array_equal(
            show(screen, emulator, images), resized(images, size)
        )
        images = images.copy()
        for _ in range(rng.integers(4)):
            row, rows = rng.integers(height), rng.integers(1, 30)
            part = images[rng.integers(2), row : row + rows]
            part[:] = rng.integers(256, size=part.shape)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.integers(0, 209), max_size=12), column=st.integers(0, 159))
def test_single_changed_pixels_are_seen(rows, column):
    emulator = FakeEmulator(210)
    screen = Screen(emulator, 84)
    before = np.full((2, 210, 160), 9, np.uint8)
    after = before.copy()
    after[1, rows, column] = 255
    show(screen, emulator, before)
    np.testing.assert_array_equal(show(screen, emulator, after), resized(after, 84))


def test_frames_are_new_arrays_and_clear_forgets():
    emulator = FakeEmulator(210)
    screen = Screen(emulator, 84)
    bright = np.full((2, 210, 160), 200, np.uint8)
    first, second = (show(screen, emulator, bright) for _ in range(2))
    assert not np.shares_memory(first, second)
    screen.clear()
    screen.pool()
    assert not screen.resize().any()
    assert (first == 200).all()


def test_bands():
    assert count_bands(210, 160, 84) == 42
    assert count_bands(250, 160, 84) == 1  # 84 / 250 is no binary fraction.
    assert count_bands(210, 160, 210) == 1  # Wider than the screen.


@pytest.mark.parametrize("game", ["AirRaid", "Carnival", "JourneyEscape", "Pooyan"])
def test_games_with_other_heights(game):
    environment = AtariEnvironment(game, 0, AtariConfig())
    assert environment.reset().observation.any()
    height, _ = environment.ale.getScreenDims()
    assert height != 210
    frame = environment.step(0).observation[..., -1]
    assert frame.shape == (84, 84)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_stack_frames(count):
    frames = list(
        np.random.default_rng(0).integers(256, size=(count, 84, 84), dtype=np.uint8)
    )
    stacked = stack_frames(frames)
    np.testing.assert_array_equal(stacked, np.stack(frames, axis=-1))
    assert stacked.flags.c_contiguous
    assert not np.shares_memory(stacked, frames[0])
