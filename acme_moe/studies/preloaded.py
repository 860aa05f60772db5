"""Starts runs as forks of a process that has imported what runs need.

That process, Python's own fork server, imports and does nothing else: it starts no
thread and no JAX backend, and a run forked from it is a process as any other, with its
own log, signals and end.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Collection, Sequence
from multiprocessing import forkserver, reduction, resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from acme_moe import compilation, memory

_MODULES = (
    "acme_moe.cli.outcome",
    "acme_moe.runs.offline",
    "acme_moe.runs.online",
    "acme_moe.environments.atari_suite",
    "reverb.client",
    "reverb.server",
)


class Fork:
    """A run's process, with as much of `subprocess.Popen` as a sweep needs."""

    def __init__(self, process: ForkServerProcess) -> None:
        """Keeps a process that was started."""
        self._process = process

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Returns the exit status, `-N` after signal N; None while it still runs."""
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        """Sends it a signal, if it is still there."""
        if self.poll() is None:
            os.kill(self.pid, signum)


class Preloaded:
    """Starts commands of the form `python -m MODULE ...` without another import."""

    def __init__(self, modules: Sequence[str] = _MODULES) -> None:
        """Starts nothing yet, but sets the variables that commands set first.

        Args:
          modules: the modules to import once for all runs.
        """
        os.environ.update(memory.variables())
        compilation.keep()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(modules))

    def start(
        self,
        command: Sequence[str],
        log: Path,
        *,
        lock: int,
        cpus: Collection[int] | None = None,
    ) -> Fork:
        """Starts a command in a session of its own.

        Args:
          command: the program and its arguments.
          log: the file of its output.
          lock: the open file that holds its folder's lock; the command keeps it open
            for as long as it lives.
          cpus: CPUs that it may use; None for all.
        """
        process = self._context.Process(
            target=_run, args=(tuple(command), log, _Inherited(lock), cpus)
        )
        _start_server()
        process.start()
        return Fork(process)


def _start_server() -> None:
    """Starts the fork server, if it is not there yet, with SIGTERM blocked.

    `timeout`, systemd and SLURM signal all processes of a sweep, the server included.
    It must outlive the runs, which take their time to save, since only it can say how
    they end; it ends with the sweep.
    """
    # Started first, since it unblocks the signal when it starts.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Inherited:
    """A file descriptor that arrives in the new process as a duplicate, an `int`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple:
        return _detach, (reduction.DupFd(self._descriptor),)


def _detach(duplicate: Any) -> int:
    descriptor: int = duplicate.detach()
    return descriptor


def _run(
    command: Sequence[str], log: Path, lock: int, cpus: Collection[int] | None
) -> None:
    """Becomes the command, as far as it and others can tell."""
    del lock  # Open for as long as this process lives.
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if cpus is not None:
        # Before there are threads, which inherit it.
        os.sched_setaffinity(0, cpus)
    with log.open("wb") as output, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    _, _, name, *arguments = command
    module = importlib.import_module(name)
    sys.orig_argv = list(command)
    sys.argv = [str(module.__file__), *arguments]
    sys.exit(module.main())
