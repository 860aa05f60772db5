"""Launchpad nodes with supervised processes of their own, and calls between them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import cloudpickle
import launchpad as lp
from absl import logging
from launchpad import address as lp_address
from launchpad import context
from launchpad.nodes import base

from acme_moe.distributed import status as status_lib
from acme_moe.distributed.process import (
    RunEndedError,
    Supervision,
    supervise,
)
from acme_moe.distributed.status import Phase, RunStatus
from acme_moe.distributed.waits import Seconds

_THREADS = (
    context.LaunchType.LOCAL_MULTI_THREADING,
    context.LaunchType.TEST_MULTI_THREADING,
)


class RemoteError(RuntimeError):
    """The other side answered with an exception of its own."""


class Remote:
    """A Courier client whose calls wait until the other side is there.

    Attributes are remote methods. A call that fails on the way is made again, so the
    methods of the nodes here have to tolerate being called twice.
    """

    def __init__(self, client: Any, has_ended: Callable[[], bool]) -> None:
        """Keeps a `courier.Client`, which has a time-out."""
        self._client = client
        self._has_ended = has_ended

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            while True:
                try:
                    return getattr(self._client, method)(*arguments)
                # Courier's own type cannot be imported without its client.
                except Exception as error:
                    if "Python exception was raised" in str(error):
                        raise RemoteError(f"{method}: {error}") from None
                    if self._has_ended():
                        raise RunEndedError from None
                    logging.info("%s: %s; trying again", method, error)
                    time.sleep(Seconds.CALL_AGAIN)

        return call


class RemoteVariables:
    """The learner's parameters, an `acme.core.VariableSource` for actors."""

    def __init__(self, learner: Remote) -> None:
        """Pulls nothing yet.

        Args:
          learner: client of the learner, which has the method `get_variables`.
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


class RemoteHandle(base.Handle):
    """Becomes a `Remote`."""

    def __init__(
        self, address: lp_address.Address, settings: Supervision, timeout: float
    ) -> None:
        """Keeps what the client needs.

        Args:
          address: where the node is reached.
          settings: how the node is kept alive, its folder and token among them.
          timeout: seconds of one try of a call.
        """
        self._address = address
        self._settings = settings
        self._timeout = timeout

    def make_client(self, timeout: float) -> Any:
        """Returns a `courier.Client`, which connects when it is first called."""
        import courier

        return courier.Client(self._address.resolve(), call_timeout=timeout)

    def dereference(self) -> Remote:
        """Returns a client that outlives the node's restarts."""
        settings = self._settings
        has_ended = functools.partial(
            status_lib.ended, settings.workdir, settings.token
        )
        return Remote(self.make_client(self._timeout), has_ended)


class ReverbHandle(base.Handle):
    """Becomes a `reverb.Client`; Launchpad's own imports Reverb at once."""

    def __init__(self, address: lp_address.Address) -> None:
        """Keeps the address."""
        self._address = address

    def dereference(self) -> Any:
        """Returns the client, which connects when it is first used."""
        import reverb

        return reverb.Client(self._address.resolve())


class ServiceNode(lp.CourierNode):
    """A Courier node in a process that is started again when it dies.

    If nodes are threads of one process, nothing is supervised, and this node does what
    Launchpad's own does.
    """

    def __init__(
        self,
        settings: Supervision,
        make: Callable[..., Any],
        *args: Any,
        coordinator: RemoteHandle | None,
        timeout: float = Seconds.CALL,
        preload: Callable[[], None] = lambda: None,
    ) -> None:
        """Describes the node.

        Args:
          settings: how it is kept alive.
          make: makes the object that is served.
          *args: of `make`, handles among them.
          coordinator: handle of the coordinator, the first argument of `make`; it is
            told if the node cannot be kept alive. None for the coordinator itself.
          timeout: seconds after which an attempt to call the node fails.
          preload: imports whatever nodes import, before any of them runs as a thread.
        """
        first = () if coordinator is None else (coordinator,)
        super().__init__(make, *first, *args)
        self._settings = settings
        self._coordinator = coordinator
        self._timeout = timeout
        self._preload = preload

    @property
    def token(self) -> str:
        """Token of the program's launch."""
        return self._settings.token

    def create_handle(self) -> base.Handle:
        """Returns a handle whose client outlives the node's restarts."""
        return self._track_handle(
            RemoteHandle(self._address, self._settings, self._timeout)
        )

    def bind_addresses(self, **kwargs: Any) -> None:
        """Binds the addresses; called for every node before the first of them runs."""
        super().bind_addresses(**kwargs)
        if self._is_thread():
            # TensorFlow's modules import each other in circles: if two threads import
            # it at the same time, one of them may see a half-initialised module.
            self._preload()

    def run(self) -> None:
        """Serves here as a thread, or else in the process that this one supervises."""
        if self._is_thread():
            self.serve()
            return
        launch_type = self._launch_context.launch_type
        supervise(
            self._settings,
            cloudpickle.dumps(self._serve_apart),
            self._give_up,
            watch_launcher=launch_type is context.LaunchType.LOCAL_MULTI_PROCESSING,
        )

    def serve(self) -> None:
        """Does the node's work to its end."""
        super().run()

    def _serve_apart(self) -> None:
        # How addresses resolve depends on the launch type, unknown to a new process.
        context.set_context(self._launch_context)
        self.serve()

    def _is_thread(self) -> bool:
        return self._launch_context.launch_type in _THREADS

    def _give_up(self, message: str) -> None:
        """Ends the run, through the coordinator if it is there."""
        if self._coordinator is not None:
            # Courier's own type cannot be imported without its client.
            with contextlib.suppress(Exception):
                self._coordinator.make_client(Seconds.CALL_TO_GIVE_UP).fail(message)
                return
        workdir = self._settings.workdir
        kept = status_lib.read_status(workdir, self.token)
        # The other fields stay, since a restarted coordinator reads them.
        status_lib.write_status(
            workdir,
            dataclasses.replace(
                kept or RunStatus(self.token, Phase.ENDED, "", {}, {}),
                phase=Phase.ENDED,
                outcome=f"failed: {message}",
            ),
        )


class WorkerNode(ServiceNode):
    """A supervised node that calls others and is called by none."""

    def serve(self) -> None:
        """Does the node's work to its end."""
        self._construct_instance().run()


class ReplayServerNode(WorkerNode):
    """A Reverb server in a process that is started again when it dies.

    `make` is also given the `port` of the node's address, for the server to listen on.
    """

    def create_handle(self) -> base.Handle:
        """Returns a handle that becomes a `reverb.Client`."""
        return self._track_handle(ReverbHandle(self._address))

    def serve(self) -> None:
        """Serves to the end of the run."""
        address = self._address.resolve()
        self._kwargs["port"] = lp_address.get_port_from_address(address)
        super().serve()
