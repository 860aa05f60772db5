"""Calls between nodes that outlive the other side's restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import logging
from acme import core

from acme_moe.experiments.distributed import state

_RETRY_SECONDS = 0.2


class RunEndedError(Exception):
    """The run is over, and nobody is there to answer any more."""


class RemoteError(RuntimeError):
    """The other side answered with an exception of its own."""


class Remote:
    """A Courier client whose calls wait until the other side is there.

    Attributes are remote methods. A call that does not come through is made again:
    the methods of the nodes here may be called twice.
    """

    def __init__(self, client: Any, workdir: Path, token: str) -> None:
        """Keeps the client.

        Args:
          client: a `courier.Client` with a timeout.
          workdir: of the run.
          token: of the program's launch.
        """
        self._client = client
        self._ended = lambda: state.ended(workdir, token)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            while True:
                try:
                    return getattr(self._client, method)(*arguments)
                # Courier's own type cannot be imported without its client.
                except Exception as error:
                    if "Python exception was raised" in str(error):
                        raise RemoteError(f"{method}: {error}") from None
                    if self._ended():
                        raise RunEndedError from None
                    logging.info("%s: %s; trying again", method, error)
                    time.sleep(_RETRY_SECONDS)

        return call


class RemoteVariables(core.VariableSource):
    """The learner's parameters, for an actor; knows how old they are."""

    def __init__(self, learner: Remote) -> None:
        """Pulls nothing yet.

        Args:
          learner: with the method `get_variables`.
        """
        self._learner = learner
        self._pulled: tuple[float, int] | None = None

    def get_variables(self, names: Sequence[str]) -> list[Any]:
        """Pulls the newest."""
        variables = self._learner.get_variables(list(names))
        self._pulled = time.monotonic(), int(variables[0].learner_steps)
        return variables

    @property
    def learner_steps(self) -> int:
        """Learner step of the last pull, 0 before the first."""
        return self._pulled[1] if self._pulled else 0

    @property
    def age(self) -> tuple[float, int] | None:
        """Seconds since the last pull, and its learner step; None before it."""
        if self._pulled is None:
            return None
        return time.monotonic() - self._pulled[0], self._pulled[1]
