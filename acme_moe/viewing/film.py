"""Frames as a film: mp4 or gif."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from acme_moe import validation
from acme_moe.disk import DiskError

# (frames `uint8 [height, width, 3]` RGB, path, frames a second) -> frames written.
Writer = Callable[[Iterable[np.ndarray], Path, float], int]


def writer_for(path: Path) -> Writer:
    """Returns the writer for the ending of a file's name.

    Raises:
      ValueError: if the ending is neither `.mp4` nor `.gif`.
    """
    validation.one_of("ending", path.suffix, sorted(_WRITERS))
    return _WRITERS[path.suffix]


def write_mp4(frames: Iterable[np.ndarray], path: Path, fps: float) -> int:
    """Writes MPEG-4 video, frame by frame.

    Args:
      frames: at least one, all of the same even size.
      path: path of the file.
      fps: frames a second.

    Returns:
      How many frames there were.

    Raises:
      DiskError: if there is no codec for frames of this size at this rate.
      OSError: if the file cannot be written.
    """
    frames = iter(frames)
    # Before the file is touched: there may be none, and an older film in its place.
    first = next(frames)
    # OpenCV does not say why it cannot write. An older film stays until it can.
    path.open("ab").close()
    height, width, _ = first.shape
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(path), codec, fps, (width, height))
    if not video.isOpened():
        raise DiskError(
            f"{path} could not be written: this build of OpenCV makes no MPEG-4 of "
            f"{width} x {height} pixels and {fps:g} frames a second; try a .gif"
        )
    count = 0
    try:
        for frame in itertools.chain([first], frames):
            video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            count += 1
    finally:
        video.release()
    written = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))
    if written != count:
        # The codec does not say that the disk is full.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return count


def write_gif(frames: Iterable[np.ndarray], path: Path, fps: float) -> int:
    """Writes an endless GIF; all of its frames are held in memory, a byte a pixel.

    Arguments and result as of `write_mp4`. The format rounds the time that a frame
    lasts to hundredths of a second.
    """
    first, *others = (
        Image.fromarray(frame).quantize(dither=Image.Dither.NONE) for frame in frames
    )
    duration = 10 * max(1, round(100 / fps))
    first.save(path, save_all=True, append_images=others, duration=duration, loop=0)
    return 1 + len(others)


_WRITERS: dict[str, Writer] = {".mp4": write_mp4, ".gif": write_gif}
