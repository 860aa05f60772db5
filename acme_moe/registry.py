"""Parts by name: the library's own, and those of others by import path."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from acme_moe import validation

T = TypeVar("T")


class Registry(Generic[T]):
    """Parts of one kind, by name.

    `get("soft")` gives what is registered under the name; `get("mine.routing:Mine")`
    imports the module `mine.routing` and gives its attribute `Mine`.
    """

    def __init__(self, field: str) -> None:
        """Holds nothing yet.

        Args:
          field: of the config that names a part, for messages.
        """
        self.field = field
        self._parts: dict[str, T | str] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that adds what it decorates."""

        def add(part: T) -> T:
            self.add(name, part)
            return part

        return add

    def add(self, name: str, part: T | str) -> None:
        """Adds a part, or the import path that it is imported from when first used."""
        self._parts[name] = part

    def names(self) -> tuple[str, ...]:
        """Returns the names of all that is registered, sorted."""
        return tuple(sorted(self._parts))

    def get(self, name: str) -> T:
        """Returns the part of a name or an import path.

        Raises:
          ValueError: names the field, the path, why it cannot be imported, and what is
            registered.
        """
        part: Any = self._parts.get(name)
        if part is None and ":" in name:
            part = name
        if part is None:
            others = "an import path such as my_package.my_module:name"
            validation.one_of(self.field, name, self.names(), others)
        return self._import(part) if isinstance(part, str) else part

    def _import(self, path: str) -> T:
        module, _, attribute = path.partition(":")
        try:
            part: Any = importlib.import_module(module)
            for name in attribute.split("."):
                part = getattr(part, name)
        # Whatever the module raises is the reason.
        except Exception as error:
            raise ValueError(
                f"{self.field}: {path!r} cannot be imported "
                f"({type(error).__name__}: {error}); registered: "
                f"{', '.join(self.names())}"
            ) from error
        return part
