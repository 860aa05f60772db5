"""What is imported when it is first used."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any


def attributes(package: str, modules: dict[str, str]) -> Callable[[str], Any]:
    """Returns a package's `__getattr__` (PEP 562).

    Args:
      package: the package's `__name__`.
      modules: maps each name to the module that defines it.
    """

    def getter(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name]), name)

    return getter


def function(module: str, name: str) -> Callable[..., Any]:
    """Returns what calls a function, or a class; it can be pickled.

    Args:
      module: that defines it, imported when it is first called.
      name: of the function.
    """
    return functools.partial(_call, module, name)


def _call(module: str, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(importlib.import_module(module), name)(*args, **kwargs)
