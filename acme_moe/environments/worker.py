"""The process of some of a run's environments; see `parallel`, which starts it.

    python -m acme_moe.environments.worker CONNECTION MEMORY

Both are descriptors of open files: the end of a pipe, from which orders come, and the
memory that steps are written to. The process ends when the other end of the pipe does.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import dm_env

from acme_moe.environments.shared_memory import SharedTimesteps
from acme_moe.environments.vector import Past, is_game_over, play_again
from acme_moe.processes import handling_stops


def main(connection: Connection, memory: int) -> None:
    """Makes the environments, and follows orders for as long as they come.

    Each message of the parent, the first one included, is answered with None or with
    what went wrong. `memory` is the descriptor of the shared file.
    """
    environments: dict[int, dm_env.Environment] = {}
    with contextlib.suppress(EOFError, ConnectionError):  # The parent is gone.
        make, seeds, spec, indices = connection.recv()
        shared = SharedTimesteps(len(seeds), spec, memory)

        def enter(index: int, _: None) -> None:
            environments[index] = make(seeds[index])

        def play(index: int, order: int | Past | None) -> None:
            environment = environments[index]
            timestep: dm_env.TimeStep | None
            if isinstance(order, Past):
                environment.close()
                environment, timestep = play_again(make, order)
                environments[index] = environment
            elif order is None:
                timestep = environment.reset()
            else:
                timestep = environment.step(order)
            if timestep is not None:
                shared.write(index, timestep, is_game_over(environment))

        connection.send(_follow(enter, dict.fromkeys(indices)))
        while True:
            connection.send(_follow(play, connection.recv()))
    for environment in environments.values():
        environment.close()


def _follow(
    follow: Callable[[int, Any], None], orders: dict[int, int | Past | None]
) -> str | None:
    """Follows the order to each environment; returns the first failure, if any."""
    for i, order in orders.items():
        try:
            follow(i, order)
        except Exception as error:
            return (
                f"environment {i}: {type(error).__name__}: {error}\n\n"
                f"In its process:\n{traceback.format_exc()}"
            )
    return None


if __name__ == "__main__":
    # Those that are sent to all processes, as at a shutdown: the parent still needs the
    # step that is under way in order to save, and ends this process itself.
    with handling_stops(lambda *_: None):
        main(Connection(int(sys.argv[1])), int(sys.argv[2]))
