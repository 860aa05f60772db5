"""The thread that dispatches updates."""

from __future__ import annotations

import os
from concurrent import futures
from typing import Any


def make_dispatcher() -> futures.Executor:
    """Returns an executor with one thread, or with the caller's on a single core.

    A GPU's kernels are launched one by one, which can take as long as they run, and the
    caller need not wait for it. A CPU computes what one thread dispatches in order, so
    that a policy would wait for an update that its own thread dispatched. With a single
    core it has to wait anyway, and threads that take turns cost more than they gain.
    """
    if len(os.sched_getaffinity(0)) > 1:
        return futures.ThreadPoolExecutor(1, "learner-update")
    return _CallersThread()


class _CallersThread(futures.Executor):
    """Executor that runs each function at once, in the caller's thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        """Calls a function; returns a finished future with its result or exception."""
        future: futures.Future[Any] = futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
