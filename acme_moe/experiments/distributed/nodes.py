"""Launchpad nodes whose work is done in a supervised process of its own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import cloudpickle
import launchpad as lp
from launchpad import address as lp_address
from launchpad import context
from launchpad.nodes import base

from acme_moe.experiments.distributed import state
from acme_moe.experiments.distributed.supervisor import Supervision, supervise

_THREADS = (
    context.LaunchType.LOCAL_MULTI_THREADING,
    context.LaunchType.TEST_MULTI_THREADING,
)
# Seconds that a supervisor waits for the coordinator before it ends the run itself.
_GIVE_UP_SECONDS = 5.0


class Lazy:
    """A class that is imported when it is called.

    Launchpad's process unpickles the whole node, and is not to import what only the
    node's own process needs.
    """

    def __init__(self, module: str, name: str) -> None:
        """Keeps the names.

        Args:
          module: of this package.
          name: of the class in it.
        """
        self._module, self._name = module, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Makes one."""
        return self.load()(*args, **kwargs)

    def load(self) -> Any:
        """Imports the class."""
        module = importlib.import_module(f"{__package__}.{self._module}")
        return getattr(module, self._name)


class RemoteHandle(base.Handle):
    """Becomes an `rpc.Remote`."""

    def __init__(
        self, address: lp_address.Address, workdir: Path, token: str, timeout: float
    ) -> None:
        """Keeps what the client needs.

        Args:
          address: of the node.
          workdir: of the run.
          token: of the program's launch.
          timeout: seconds of one try of a call.
        """
        self._address = address
        self._workdir, self._token, self._timeout = workdir, token, timeout

    def dereference(self) -> Any:
        """Connects when it is first called."""
        import courier

        from acme_moe.experiments.distributed.rpc import Remote

        client = courier.Client(self._address.resolve(), call_timeout=self._timeout)
        return Remote(client, self._workdir, self._token)


class ReverbHandle(base.Handle):
    """Becomes a `reverb.Client`; Launchpad's own imports Reverb at once."""

    def __init__(self, address: lp_address.Address) -> None:
        """Keeps the address."""
        self._address = address

    def dereference(self) -> Any:
        """Connects when it is first used."""
        import reverb

        return reverb.Client(self._address.resolve())


class SupervisedNode(lp.CourierNode):
    """A Courier node in a process that is started again when it dies.

    As threads of one process nothing is supervised, and the node is Launchpad's.
    """

    def __init__(
        self,
        supervision: Supervision,
        constructor: Any,
        *args: Any,
        coordinator: lp_address.Address | None = None,
        timeout: float = 10.0,
        **kwargs: Any,
    ) -> None:
        """Describes the node.

        Args:
          supervision: how it is kept alive.
          constructor: of the object that is served; see `Lazy`.
          *args: of the constructor, handles among them.
          coordinator: who is told that the node cannot be kept alive; None for the
            coordinator itself.
          timeout: seconds of one try of a call to it.
          **kwargs: of the constructor.
        """
        super().__init__(constructor, *args, **kwargs)
        self._supervision = supervision
        self._coordinator = coordinator
        self._timeout = timeout
        self._in_own_process = False

    @property
    def token(self) -> str:
        """Of the program's launch."""
        return self._supervision.token

    def create_handle(self) -> base.Handle:
        """A handle whose client outlives the node's restarts."""
        settings = self._supervision
        return self._track_handle(
            RemoteHandle(self._address, settings.workdir, settings.token, self._timeout)
        )

    def bind_addresses(self, **kwargs: Any) -> None:
        """Is called for every node of a program before the first of them runs."""
        super().bind_addresses(**kwargs)
        if self._is_thread() and isinstance(self._constructor, Lazy):
            # TensorFlow's modules import each other in circles: of two threads that
            # import it at the same time, one may get half of it.
            self._constructor.load()

    def run(self) -> None:
        """Serves, here or in the process that this one supervises."""
        if self._in_own_process or self._is_thread():
            self._serve()
            return
        self._in_own_process = True
        launched_here = (
            self._launch_context.launch_type
            is context.LaunchType.LOCAL_MULTI_PROCESSING
        )
        supervise(
            self._supervision,
            cloudpickle.dumps(self.function),
            self._give_up,
            watch_launcher=launched_here,
        )

    def _is_thread(self) -> bool:
        return self._launch_context.launch_type in _THREADS

    def _serve(self) -> None:
        super().run()

    def _give_up(self, message: str) -> None:
        """Ends the run, through the coordinator if it is there."""
        import courier

        if self._coordinator is not None:
            address = self._coordinator.resolve()
            client = courier.Client(address, call_timeout=_GIVE_UP_SECONDS)
            try:
                client.fail(message)
            # Courier's own type cannot be imported without its client.
            except Exception:
                pass
            else:
                return
        settings = self._supervision
        outcome = f"failed: {message}"
        ended = state.State(settings.token, state.Phase.ENDED, outcome, {}, {})
        state.write(settings.workdir, ended)


class SupervisedWorker(SupervisedNode):
    """A supervised node that calls others and is called by none."""

    def _serve(self) -> None:
        self._construct_instance().run()


class SupervisedReplay(SupervisedWorker):
    """A Reverb server in a process that is started again when it dies.

    Its constructor is given the `port` of the address, which is Reverb's here.
    """

    def create_handle(self) -> base.Handle:
        """A handle that becomes a `reverb.Client`."""
        return self._track_handle(ReverbHandle(self._address))

    def _serve(self) -> None:
        address = self._address.resolve()
        self._kwargs["port"] = lp_address.get_port_from_address(address)
        super()._serve()
