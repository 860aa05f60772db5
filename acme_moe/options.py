"""Options of a part that a config names: a mapping, checked against its dataclass."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from acme_moe import validation


class Options(Mapping[str, Any]):
    """An immutable, hashable mapping; lists in it become tuples."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        """Copies a mapping, nested ones included."""
        self._values = {name: freeze(value) for name, value in (values or {}).items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as plain dictionaries, nested ones included."""
        return {name: _thaw(value) for name, value in self._values.items()}


def _thaw(value: Any) -> Any:
    if isinstance(value, Options):
        return value.to_dict()
    return tuple(map(_thaw, value)) if isinstance(value, tuple) else value


def freeze(value: Any) -> Any:
    """Returns a value that can be hashed: lists become tuples, mappings `Options`."""
    if isinstance(value, Mapping):
        return Options(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(freeze, value))
    return value


def is_part(part: Any) -> bool:
    """Returns whether a part can be made from options: see `make`."""
    if isinstance(part, type):
        frozen = getattr(part, "__dataclass_params__", None)
        called = any("__call__" in vars(base) for base in part.__mro__)
        return frozen is not None and frozen.frozen and called
    return callable(part)


def signature(part: Any) -> inspect.Signature:
    """Returns the signature with which a part, or an instance of it, is called."""
    if not isinstance(part, type):
        return inspect.signature(part)
    of_call = inspect.signature(part.__call__)
    _, *parameters = of_call.parameters.values()
    return of_call.replace(parameters=parameters)


def make(part: Any, options: Mapping[str, Any], prefix: str) -> Any:
    """Makes a part with its options.

    Args:
      part: a frozen dataclass whose instances are called, and whose fields are the
        options; or a function, which has none.
      options: values by name; an option that is not given keeps its default. None for
        one that has no default is none given.
      prefix: path to the options, including its trailing dot.

    Returns:
      The callable: an instance of the dataclass, or the function itself.

    Raises:
      ValueError: names the first option that is unknown or missing, or whose value is
        not of its type or is refused by the dataclass's own checks; or repeats the
        `TypeError` that making the dataclass raised.
    """
    by_name = {field.name: field for field in fields(part)}
    for name in options:
        validation.known_field(name, by_name, prefix, kind="option")
    for name, field in by_name.items():
        if is_required(field) and options.get(name) is None:
            raise validation.missing(field, prefix)
    for name, value in options.items():
        validation.check_type(by_name[name], value, prefix)
    if not isinstance(part, type):
        return part
    try:
        return part(**options)
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from error
    except TypeError as error:  # Due to a value whose type is not checked here.
        raise ValueError(f"{prefix.rstrip('.')}: {error}") from error


def none_of_library(
    name: str, options: Mapping[str, Any], field: str, instead: str
) -> Options:
    """Returns the options of one of the library's own parts, which has none.

    Args:
      name: the part's name.
      options: those that are given.
      field: the field that they are given in.
      instead: what to say of the settings of the library's own parts.

    Raises:
      ValueError: if there are any, or they are not a mapping.
    """
    _check_mapping(options, field)
    for option in options:
        raise ValueError(f"{field}.{option}: is not an option of {name!r}; {instead}")
    return Options()


def fields(part: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Returns the options of a part; a function has none."""
    if not isinstance(part, type):
        return ()
    return tuple(field for field in dataclasses.fields(part) if field.init)


def complete(part: Any, options: Mapping[str, Any], prefix: str) -> Options:
    """Returns all options of a part, including those that keep their defaults.

    The arguments and errors are those of `make`.
    """
    _check_mapping(options, prefix.rstrip("."))
    made = make(part, options, prefix)
    return Options({field.name: getattr(made, field.name) for field in fields(part)})


def defaults(part: Any) -> dict[str, Any]:
    """Returns the default of each option, None for one that has none."""
    return {field.name: default(field) for field in fields(part)}


def default(field: dataclasses.Field[Any]) -> Any:
    """Returns the default of a dataclass's field, None for one that has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if is_required(field) else field.default


def is_required(field: dataclasses.Field[Any]) -> bool:
    """Returns whether a dataclass's field has no default."""
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _check_mapping(options: Any, field: str) -> None:
    if not isinstance(options, Mapping):
        raise validation.not_accepted(field, options, "a mapping of names to values")
