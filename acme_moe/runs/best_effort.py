"""Logs that leave out a row that cannot be written; no run depends on them."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging
from acme.utils import loggers

from acme_moe import disk

_WARN_EVERY_SECONDS = 60.0


class Warnings:
    """Warns of what could not be written, at most once a minute."""

    def __init__(self) -> None:
        self._warned_at = -math.inf

    def warn(self, message: str) -> None:
        """Logs a message, unless the last one was less than a minute ago."""
        if time.monotonic() - self._warned_at > _WARN_EVERY_SECONDS:
            logging.warning("%s", message)
            self._warned_at = time.monotonic()

    @contextlib.contextmanager
    def instead(self, path: Path) -> Iterator[None]:
        """Turns a failed write to a path into a warning."""
        try:
            with disk.writing(path):
                yield
        except disk.DiskError as error:
            self.warn(str(error))


class BestEffortLogger(loggers.Logger):
    """Leaves out a row that cannot be written, as no run depends on its logs."""

    def __init__(
        self, path: Path, make: Callable[[Mapping[str, Any]], loggers.Logger]
    ) -> None:
        """Opens nothing yet: `make` does, given the first row for which it can."""
        self._path = path
        self._make = make
        self._logger: loggers.Logger | None = None
        self._warnings = Warnings()

    def write(self, data: Any) -> None:
        """Writes a row, or warns that it cannot."""
        with self._warnings.instead(self._path):
            if self._logger is None:
                self._logger = self._make(data)
            self._logger.write(data)

    def close(self) -> None:
        """Closes the logger, if there is one."""
        if self._logger is not None:
            with self._warnings.instead(self._path):
                self._logger.close()


class FunctionLogger(loggers.Logger):
    """Gives rows to a function."""

    def __init__(self, track: Callable[[dict[str, float]], None]) -> None:
        self._track = track

    def write(self, data: Any) -> None:
        """Gives it a row."""
        self._track(data)

    def close(self) -> None:
        """Does nothing: the run's folder closes what the function writes to."""
