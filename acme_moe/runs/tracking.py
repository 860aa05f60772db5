"""Sends a run's rows to services such as Weights & Biases.

A thread sends the rows, so training never waits for the network, and the run goes on
without a service that fails.
"""

from __future__ import annotations

import importlib.util
import queue
import threading
from collections.abc import Callable, Sequence

from absl import logging

from acme_moe import validation
from acme_moe.runs.tracking_services import SERVICES, Row, TrackedRun

# Rows that may wait: an hour of one a second.
_MAX_WAITING = 3_600
_CLOSING_SECONDS = 60.0

# As the extras of these names have them.
_PACKAGES = {"wandb": "wandb>=0.19,<0.29", "mlflow": "mlflow-skinny>=2.9"}

LOGGERS = ("csv", "tensorboard", *SERVICES)
"""Where a run's rows may go."""


def parse_loggers(loggers: str) -> list[str]:
    """Returns the names in a setting such as `csv,wandb`; none in an empty one.

    Raises:
      ValueError: if one of them is not known.
    """
    names = [name.strip() for name in loggers.split(",")] if loggers else []
    for name in names:
        validation.one_of("loggers", name, LOGGERS)
    return names


def check_installed(loggers: str) -> None:
    """Refuses services whose package is not there.

    Raises:
      ValueError: says what to install.
    """
    for name in parse_loggers(loggers):
        if name in SERVICES and importlib.util.find_spec(name) is None:
            raise validation.not_accepted(
                "loggers",
                loggers,
                f"{name} needs its package: pip install '{_PACKAGES[name]}'",
            )


class Trackers:
    """The services that a run goes to.

    Attributes:
      names: names of the services that are used.
    """

    def __init__(self, loggers: Sequence[str], run: Callable[[], TrackedRun]) -> None:
        """Opens nothing before the first row.

        Args:
          loggers: names of `LOGGERS`, of which those in `SERVICES` are used.
          run: returns what the services are told of the run.
        """
        self.names = [name for name in loggers if name in SERVICES]
        self._run = run
        self._threads: list[TrackerThread] = []
        self._steps_key = ""
        self._closed = False

    def log(self, label: str, row: Row) -> None:
        """Sends a row to each service; does nothing after `close`.

        Args:
          label: name of the log that the row is from.
          row: numbers by name, the position in the run among them.
        """
        if self._closed:
            return
        if self.names and not self._threads:
            run = self._run()
            self._steps_key = run.steps_key
            self._threads = [TrackerThread(name, run) for name in self.names]
        named = {
            name if name == self._steps_key else f"{label}/{name}": value
            for name, value in row.items()
        }
        for thread in self._threads:
            thread.put(named)

    def close(self, status: str) -> None:
        """Ends the run at each service, once; see `TrackerThread.close`."""
        if self._closed:
            return
        for thread in self._threads:
            thread.close(status)
        self._closed = True


class TrackerThread:
    """Hands rows to a service; its first failure stops this, but not the run."""

    def __init__(self, name: str, run: TrackedRun) -> None:
        """Starts the thread, which opens the run of the service.

        Args:
          name: name of the service, one of `SERVICES`.
          run: the run, as the service is told of it.
        """
        self._name = name
        self._rows: queue.Queue[Row | str] = queue.Queue(_MAX_WAITING)
        self._gone = False
        # A service that hangs is not to hold up the end of the process.
        self._thread = threading.Thread(
            target=self._work, args=(run,), name=name, daemon=True
        )
        self._thread.start()

    def put(self, item: Row | str) -> None:
        """Queues a row or the final status; gives up if the queue is full."""
        if self._gone:
            return
        try:
            self._rows.put_nowait(item)
        except queue.Full:
            self._give_up(f"{_MAX_WAITING} rows wait for it")

    def close(self, status: str) -> None:
        """Sends the final status, and waits for the service for a minute at most.

        Args:
          status: status of the run; see `Tracker.finish`.
        """
        self.put(status)
        self._thread.join(_CLOSING_SECONDS)
        if self._thread.is_alive():
            self._give_up(f"took more than {_CLOSING_SECONDS:.0f} s to end")

    def _work(self, run: TrackedRun) -> None:
        try:
            tracker = SERVICES[self._name](run)
            while not self._gone:
                item = self._rows.get()
                if isinstance(item, str):
                    tracker.finish(item)
                    return
                tracker.log(item)
        # Whatever a service does wrong.
        except Exception as error:
            self._give_up(" ".join(f"{type(error).__name__}: {error}".split()))

    def _give_up(self, reason: str) -> None:
        if not self._gone:
            self._gone = True
            logging.warning("no more rows go to %s: %s", self._name, reason)
