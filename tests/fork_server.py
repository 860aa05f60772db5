"""Runs Python programs in forks of a process that has imported what commands need.

A command spends seconds on imports before it does what a test looks at. This process
imports once for all workers of a test session, starts no thread and no JAX backend, and
each program gets a fork of it to itself.

It lives until its standard input is closed.

    python -m tests.fork_server LISTENING_SOCKET
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path

from tests.programs import NOT_OPTIMIZED, skip_fsync

_MODULES = (
    "acme_moe.cli.outcome",
    "acme_moe.runs.offline",
    "acme_moe.runs.online",
    "acme_moe.environments.atari_suite",
    "acme_moe.networks.check_part",
    "acme_moe.reporting.report",
    "acme_moe.viewing.film",
    "reverb.client",
    "reverb.server",
)
_MAX_BYTES = 2**20


def _serve(descriptor: int) -> dict | None:
    """Answers requests; returns one in each process that is to run it, else None."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ready = False
    with socket.socket(fileno=descriptor) as listener:
        while True:
            if sys.stdin in select.select([sys.stdin, listener], [], [])[0]:
                return None
            connection, _ = listener.accept()
            if not ready:
                for name in _MODULES:
                    importlib.import_module(name)
                # Else a garbage collection in each fork would copy these objects.
                gc.freeze()
                ready = True
            with connection:
                if os.fork():
                    continue
                listener.close()
                return _start(connection)


def _start(connection: socket.socket) -> dict:
    """Forks the program's process, and returns there; tells how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, outputs, *_ = socket.recv_fds(connection, _MAX_BYTES, 2)
    pid = os.fork()
    if not pid:
        for number, descriptor in enumerate(outputs, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        request: dict = json.loads(message)
        return request
    process = os.pidfd_open(pid)
    # A test that was given up closes the connection.
    if process not in select.select([process, connection], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        connection.send(str(status).encode())
    os._exit(0)


def _become(request: dict, path: list[str]) -> None:
    """Runs the program as the interpreter would.

    Args:
      request: `command` without the interpreter, `env` and `cwd`.
      path: entries of `sys.path` of any program.
    """
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    import jax

    # JAX read its variables before the fork; this is the only one that tests set.
    not_optimized = os.environ.get(NOT_OPTIMIZED.upper(), "").lower()
    jax.config.update(NOT_OPTIMIZED, not_optimized in ("1", "true"))
    of_environment = [x for x in os.environ.get("PYTHONPATH", "").split(":") if x]
    sys.orig_argv = [sys.executable, *request["command"]]
    first, *arguments = request["command"]
    if first == "-m":
        name, *arguments = arguments
        sys.path = [os.getcwd(), *of_environment, *path]
        sys.argv = [name, *arguments]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.path = [str(Path(first).parent), *of_environment, *path]
        sys.argv = [first, *arguments]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    of_server = {os.getcwd(), *os.environ.get("PYTHONPATH", "").split(":")}
    of_all = [entry for entry in sys.path if entry not in of_server]
    skip_fsync()
    if program := _serve(int(sys.argv[1])):
        _become(program, of_all)
