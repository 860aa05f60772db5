"""Ctrl-C and SIGTERM as a request that the run looks at when it suits."""

from __future__ import annotations

import signal
import types
from collections.abc import Mapping
from typing import Any

import dm_env
from acme.utils import observers


class InterruptedRunError(Exception):
    """A signal asked the run to end before its last step."""

    def __init__(self, signum: int) -> None:
        """Keeps the signal.

        Args:
          signum: which signal it was.
        """
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class Interrupts(observers.EnvLoopObserver):
    """Catches SIGINT and SIGTERM while it is entered.

    The first signal is noted, and the run ends at its next agent step; a second one
    takes its usual course. As an observer of an `acme.EnvironmentLoop` it breaks off
    the episode.
    """

    def __init__(self) -> None:
        self._signum: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._previous[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, frame: types.FrameType | None) -> None:
        del frame
        self._signum = signum
        signal.signal(signum, self._previous[signum])

    def check(self) -> None:
        """Does nothing until a signal came.

        Raises:
          InterruptedRunError: once one did.
        """
        if self._signum is not None:
            raise InterruptedRunError(self._signum)

    def observe_first(self, env: dm_env.Environment, timestep: dm_env.TimeStep) -> None:
        """Checks at an episode's start."""
        del env, timestep
        self.check()

    def observe(
        self, env: dm_env.Environment, timestep: dm_env.TimeStep, action: Any
    ) -> None:
        """Checks at each step."""
        del env, timestep, action
        self.check()

    def get_metrics(self) -> Mapping[str, Any]:
        """None."""
        return {}
