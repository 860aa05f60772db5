"""Settings dataclasses as nested mappings, and back, with errors that name a path."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from acme_moe import options, validation
from acme_moe.options import Options, freeze


def to_fields(settings: Any) -> dict[str, Any]:
    """Returns the fields of a settings dataclass, nested ones as mappings."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            value = to_fields(value)
        elif isinstance(value, Options):
            value = value.to_dict()
        values[field.name] = value
    return values


def from_fields(cls: type, fields: Mapping[str, Any], prefix: str = "") -> Any:
    """Makes a settings dataclass, nested ones included.

    Args:
      cls: the dataclass; a field that is not given keeps its default.
      fields: values by field name, nested dataclasses as mappings or already made.
      prefix: path to the dataclass, including its trailing dot.

    Raises:
      ValueError: names the first field that is unknown or missing or has a bad value,
        with its path, and what would be accepted.
    """
    hints = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}
    values = {}
    for name, value in fields.items():
        validation.known_field(name, known, prefix)
        hint = hints[name]
        if dataclasses.is_dataclass(value):
            pass  # Already made, by a caller that knew its class.
        elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
            validation.check_mapping(f"{prefix}{name}", value)
            # A field that is not given has this class's default, as Rainbow's head has.
            default = options.default(known[name])
            unset = {} if default is None else dataclasses.asdict(default)
            whole = {**unset, **value}
            value = from_fields(hint, whole, f"{prefix}{name}.")
        else:
            value = freeze(value) if isinstance(value, list) else value
            # A class of somebody else's need not check its own; its defaults are its.
            if value != known[name].default:
                validation.check_type(known[name], value, prefix)
        values[name] = value
    for name, field in known.items():
        if field.init and options.is_required(field) and name not in values:
            raise validation.missing(field, prefix)
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from None


def with_defaults(given: Mapping[str, Any], defaults: Any) -> dict[str, Any]:
    """Returns fields with those of a settings dataclass that they lack.

    Args:
      given: values by field name, nested dataclasses as mappings; not checked.
      defaults: the dataclass.
    """
    values = {**to_fields(defaults), **given}
    for field in dataclasses.fields(defaults):
        default, value = getattr(defaults, field.name), values[field.name]
        if dataclasses.is_dataclass(default) and isinstance(value, Mapping):
            values[field.name] = with_defaults(value, default)
    return values


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted name and the value of each field, lists as tuples."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", freeze(value)


def differences(
    there: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> list[str]:
    """Returns in words which of the named fields differ, and how; by dotted path."""
    return [
        f"{name}: {there.get(name)!r} there, {now.get(name)!r} now"
        for name in sorted(names)
        if there.get(name) != now.get(name)
    ]


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values of fields by dotted path, in which later layers replace earlier.

    A mapping such as `network` sets the fields that it names and no others, and comes
    before the fields of its layer that are named by their paths. Options, of a part or
    a loss, are one value.

    Args:
      *layers: values of fields, by dotted path.
    """
    named: dict[str, Any] = {}
    for layer in layers:
        for path, given in sorted(layer.items(), key=lambda item: item[0].count(".")):
            # A ConfigDict is no Mapping.
            value = given.to_dict() if hasattr(given, "to_dict") else given
            section = "." not in path and not path.endswith("_options")
            if section and isinstance(value, Mapping):
                named.update({f"{path}.{name}": x for name, x in value.items()})
            else:
                named[path] = value
    return named


def set_at(settings: dict[str, Any], path: str, value: Any) -> None:
    """Sets the field at a dotted path; makes nested mappings that are missing.

    A value that is a mapping is copied, so that fields below it can be set, too.

    Raises:
      ValueError: if the path goes on below a value.
    """
    *parents, name = path.split(".")
    for parent in parents:
        settings = settings.setdefault(parent, {})
        if not isinstance(settings, dict):
            raise ValueError(f"{path}: is not a field; {parent} has none below it")
    settings[name] = _copied(value)


def _copied(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _copied(below) for name, below in value.items()}
