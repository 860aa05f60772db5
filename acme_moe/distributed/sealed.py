"""Arguments of nodes that supervisors carry without what it takes to unpickle them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import cloudpickle

from acme_moe import lazy


class Sealed:
    """A value that is pickled on its own, and unpickled when it is opened.

    Unpickling a spec imports JAX, which takes longer than all else that a supervisor
    does.
    """

    def __init__(self, value: Any) -> None:
        """Keeps the value; nodes that are threads get this very one."""
        self._value = value
        self._pickled: bytes | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Returns what is pickled."""
        pickled = self._pickled or cloudpickle.dumps(self._value)
        return {"_value": None, "_pickled": pickled}

    def open(self) -> Any:
        """Returns the value."""
        if self._pickled is None:
            return self._value
        return cloudpickle.loads(self._pickled)


def function(module: str, name: str) -> Callable[..., Any]:
    """Returns what `lazy.function` does, for arguments of which some are sealed."""
    return functools.partial(_call, lazy.function(module, name))


def _call(called: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return called(*(a.open() if isinstance(a, Sealed) else a for a in args), **kwargs)
