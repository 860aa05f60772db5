"""Imports modules when something in them is first used."""

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
    """Returns a picklable callable that imports a function or class and calls it.

    Args:
      module: name of the module that defines the function or class.
      name: name of the function or class.
    """
    return functools.partial(_call, module, name)


def _call(module: str, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(importlib.import_module(module), name)(*args, **kwargs)
