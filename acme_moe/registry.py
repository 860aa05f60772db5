"""Parts that a config names: the library's by a name, anyone's by an import path.

    MIXTURES = Registry("moe", {"soft": "acme_moe.networks.soft_moe:Soft"})

    MIXTURES.get("soft")
    MIXTURES.get("my_package.routing:ExpertChoice")

A part of the library is registered by its own import path and imported when it is first
asked for, so that a config file or a `--help` costs no more than the names.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from acme_moe import validation

T = TypeVar("T")

OUTSIDE = "the import path of one, module:attribute"
"""What every registry accepts besides the names in it, for messages."""


def is_path(name: Any) -> bool:
    """Returns whether a name is an import path, `module:attribute`."""
    return isinstance(name, str) and ":" in name


class Registry(Generic[T]):
    """The parts of one kind. Iterating yields the registered names, in order."""

    def __init__(self, field: str, parts: Mapping[str, T | str]) -> None:
        """Registers parts.

        Args:
          field: the config's field that names a part of this kind, for messages.
          parts: the parts by name, each as itself or as its import path.
        """
        self.field = field
        self._parts: dict[str, Any] = dict(parts)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._parts))

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def check(self, name: str) -> None:
        """Refuses a name that is not registered and a path that cannot be imported.

        A registered part is not imported.

        Raises:
          ValueError: as `get`.
        """
        if not isinstance(name, str) or name not in self._parts:
            self.get(name)

    def get(self, name: str) -> T:
        """Returns the part that a registered name or an import path stands for.

        Args:
          name: a registered name, or `module:attribute`.

        Raises:
          ValueError: names the field, its value, what is wrong with the value (if an
            import failed, the reason) and what is registered.
        """
        if not isinstance(name, str):
            raise validation.not_accepted(
                self.field, name, f"one of {', '.join(self)}, or {OUTSIDE}"
            )
        if name in self._parts:
            part = self._parts[name]
            if isinstance(part, str):
                part = self._parts[name] = load(part)
            return part
        if not is_path(name):
            # A path with a dot where the colon should be, or a misspelt name.
            others = OUTSIDE if "." in name else ""
            validation.one_of(self.field, name, self, others)
        try:
            return load(name)
        except ImportError as error:
            raise ValueError(
                f"{self.field}: {name!r} is not accepted; {error}; "
                f"accepted: {', '.join(self)}, or {OUTSIDE}"
            ) from error


def load(path: str) -> Any:
    """Imports what an import path names.

    Args:
      path: `module:attribute`; the attribute may have dots.

    Raises:
      ImportError: says in words what failed: the module is not found or raises while
        it is imported, or has no such attribute.
    """
    module, _, attributes = path.partition(":")
    try:
        here = importlib.import_module(module)
    except Exception as error:
        raise ImportError(f"importing {module!r} fails: {_reason(error)}") from error
    for name in attributes.split("."):
        if not hasattr(here, name):
            close = validation.did_you_mean(name, dir(here))
            raise ImportError(
                f"{module!r} has no {attributes!r}" + (f" ({close})" if close else "")
            )
        here = getattr(here, name)
    return here


def _reason(error: Exception) -> str:
    """Returns what was raised by an import, and where unless the module is missing."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError):
        return text
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{text} ({last.filename}, line {last.lineno})"
