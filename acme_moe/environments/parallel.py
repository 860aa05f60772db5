"""Environments that step at the same time, in processes of their own.

The bindings of ale-py's emulator keep Python's global lock while it plays, so threads
would take turns. A process imports only the environments: no JAX, no replay.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import dm_env
import numpy as np

from acme_moe import processes
from acme_moe.environments.making import EnvironmentMaker
from acme_moe.environments.shared_memory import SharedTimesteps
from acme_moe.environments.suite import find_suite
from acme_moe.environments.vector import (
    EnvironmentFailedError,
    Past,
    SequentialEnvironments,
    VectorEnvironment,
)
from acme_moe.specs import EnvironmentSpec

_SECONDS_TO_END = 5.0


def make_vector_environment(
    make: EnvironmentMaker,
    seeds: Sequence[int],
    spec: EnvironmentSpec,
    num_processes: int = 0,
) -> VectorEnvironment:
    """Makes an environment for each seed.

    Args:
      make: makes the environment of a seed.
      seeds: seed of each environment.
      spec: spec of all environments.
      num_processes: processes to spread them over, at most one for each; 1 for this
        process alone. 0 for as many as there are cores if the suite says that it pays,
        otherwise for this process alone.
    """
    if not num_processes:
        pays = find_suite(make.config.name).parallel
        num_processes = len(os.sched_getaffinity(0)) if pays else 1
    num_processes = min(num_processes, len(seeds))
    if num_processes == 1:
        return SequentialEnvironments(make, seeds)
    return ParallelEnvironments(make, seeds, spec, num_processes)


class ParallelEnvironments(VectorEnvironment):
    """Environments spread evenly over processes; each process steps its own in turn."""

    def __init__(
        self,
        make: Callable[[int], dm_env.Environment],
        seeds: Sequence[int],
        spec: EnvironmentSpec,
        num_processes: int,
    ) -> None:
        """Starts the processes; the first `reset` waits until they are ready.

        Args:
          make: makes the environment of a seed; can be pickled.
          seeds: seed of each environment.
          spec: spec of all environments.
          num_processes: number of processes.
        """
        self._num = len(seeds)
        memory = os.memfd_create("timesteps")
        try:
            self._shared = SharedTimesteps(self._num, spec, memory)
            self._workers = [
                _Worker(make, seeds, spec, indices.tolist(), memory)
                for indices in np.array_split(np.arange(self._num), num_processes)
            ]
        finally:
            os.close(memory)  # It lives as long as it is mapped.
        self._ready = False

    def __len__(self) -> int:
        return self._num

    def reset(self, indices: Sequence[int]) -> list[dm_env.TimeStep]:
        """Starts an episode in some of the environments."""
        self._wait_until_ready()
        self._receive(self._send(dict.fromkeys(indices)))
        return self._shared.read(indices)

    def _wait_until_ready(self) -> None:
        if not self._ready:
            self._receive(self._workers)
            self._ready = True

    def start_step(self, actions: np.ndarray) -> None:
        """Sends the actions."""
        self._send(dict(enumerate(actions.tolist())))

    def finish_step(self) -> list[dm_env.TimeStep]:
        """Waits for the step of each environment."""
        self._receive(self._workers)
        return self._shared.read(range(self._num))

    def _send(self, orders: Mapping[int, int | Past | None]) -> list[_Worker]:
        """Sends orders, by environment; returns the workers that have to answer."""
        workers = []
        for worker in self._workers:
            own = {i: orders[i] for i in worker.indices if i in orders}
            if own:
                worker.send(own)
                workers.append(worker)
        return workers

    def _receive(self, workers: Sequence[_Worker]) -> None:
        """Waits for the workers' answers.

        Raises:
          EnvironmentFailedError: if one failed, after all have answered.
        """
        failures = [failure for w in workers if (failure := w.receive())]
        if failures:
            raise EnvironmentFailedError(failures[0])

    def game_over(self, index: int) -> bool:
        """Returns whether an episode that just ended was the last of its game."""
        return self._shared.game_over(index)

    def make_again(
        self, indices: Sequence[int], pasts: Sequence[Past]
    ) -> list[dm_env.TimeStep | None]:
        """Replaces some environments by new ones; the processes play side by side."""
        self._wait_until_ready()
        self._receive(self._send(dict(zip(indices, pasts, strict=True))))
        return [
            timestep if past.actions or past.in_episode else None
            for past, timestep in zip(pasts, self._shared.read(indices), strict=True)
        ]

    def close(self) -> None:
        """Ends the processes."""
        for worker in self._workers:
            worker.disconnect()
        for worker in self._workers:
            worker.wait()


class _Worker:
    """The process of some of the environments, as its parent sees it."""

    def __init__(
        self,
        make: Callable[[int], dm_env.Environment],
        seeds: Sequence[int],
        spec: EnvironmentSpec,
        indices: list[int],
        memory: int,
    ) -> None:
        self.indices = indices
        self._connection, theirs = multiprocessing.Pipe()
        fds = (theirs.fileno(), memory)
        # Not a fork, which would copy the locks of JAX's and TensorFlow's threads; nor
        # multiprocessing's spawn, which runs the user's script once more.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "acme_moe.environments.worker", *map(str, fds)],
            pass_fds=fds,
            env={**os.environ, **processes.import_path()},
            start_new_session=True,  # Ctrl-C is for the parent, which ends this one.
        )
        theirs.close()
        self._connection.send((make, list(seeds), spec, indices))

    def send(self, orders: dict[int, int | Past | None]) -> None:
        """Sends orders: an action, a past to play again, or None for a new episode."""
        # A process that has ended cannot read them; `receive` reports that.
        with contextlib.suppress(BrokenPipeError):
            self._connection.send(orders)

    def receive(self) -> str | None:
        """Waits for the answer; returns what went wrong, if anything did."""
        try:
            return self._connection.recv()
        except (EOFError, ConnectionResetError):
            ending = processes.describe_exit(self._process.wait())
            return f"the process of environments {self.indices} ended: {ending}"

    def disconnect(self) -> None:
        """Tells the process to end."""
        self._connection.close()

    def wait(self) -> None:
        """Waits until the process ended, and kills it where that takes too long."""
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
