"""Runs the project's programs for tests of what they do, not how they are started."""

import contextlib
import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from acme_moe import memory

ROOT = Path(__file__).resolve().parents[1]
NOT_OPTIMIZED = "jax_disable_most_optimizations"
"""Setting of JAX; in capitals the variable that sets it in programs."""
_SOCKET = "ACME_MOE_TESTS_FORK_SERVER"


@contextlib.contextmanager
def fork_server():
    """Starts what `run_python` asks, for this process and all that it starts."""
    with (
        tempfile.TemporaryDirectory(prefix="acme_moe_tests_") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
    ):
        os.environ[_SOCKET] = f"{folder}/forks"
        listener.bind(os.environ[_SOCKET])
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            cwd=ROOT,
            # Programs would start themselves again to have these.
            env={**os.environ, **memory.variables()},
            # Ctrl-C is for those who wait for it.
            start_new_session=True,
        )
        try:
            yield
        finally:
            server.communicate()
            del os.environ[_SOCKET]


def skip_fsync():
    """Lets nothing in this process wait for the disk, which would test nothing.

    `test_disk.py` replaces `os.fsync` by a function of its own, and looks at its calls.
    """
    os.fsync = lambda _: None


def run_python(*command, cwd=ROOT, env=None, timeout=None):
    """Runs `python COMMAND...` to its end, without the time that its imports take.

    Args:
      *command: a script's path, or `-m` and a module's name; then arguments.
      cwd: the folder that it runs in.
      env: variables beside this process's.
      timeout: seconds after which it is killed, and `TimeoutError` raised.

    Returns:
      A `subprocess.CompletedProcess` with the texts of its outputs.
    """
    command = [str(word) for word in command]
    request = {
        "command": command,
        "env": {**os.environ, **memory.variables(), **(env or {})},
        "cwd": str(cwd),
    }
    with (
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
    ):
        connection.settimeout(timeout)
        connection.connect(os.environ[_SOCKET])
        outputs = [stdout.fileno(), stderr.fileno()]
        socket.send_fds(connection, [json.dumps(request).encode()], outputs)
        status = connection.recv(100)
        for stream in (stdout, stderr):
            stream.seek(0)
        return subprocess.CompletedProcess(
            command, int(status), stdout.read(), stderr.read()
        )


def launch(program, *arguments):
    """Runs a launcher, such as `train.py`; see `run_python`."""
    return run_python(ROOT / "launchers" / program, *arguments)


def start(program, *arguments):
    """Starts a launcher that is to be stopped; its text is read at its end."""
    return subprocess.Popen(
        [sys.executable, ROOT / "launchers" / program, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def wait_for(process, condition):
    """Waits until the condition holds; fails if the process ends before."""
    while not condition():
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(
            f"ended with {process.returncode}: {process.stderr.read()}"
        )


def rows(path):
    """The rows of a table that a program left: texts by column."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
