"""Checks of settings; each message names the field, the value and what would do."""

from __future__ import annotations

import dataclasses
from typing import Any

_KINDS = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
}


def check_types(config: Any) -> None:
    """Refuses fields of a dataclass whose value is not of their plain type.

    Raises:
      ValueError: names the first such field.
    """
    for field in dataclasses.fields(config):
        kinds = _KINDS.get(str(field.type))
        value = getattr(config, field.name)
        if kinds is None:
            continue
        wrong_bool = isinstance(value, bool) and bool not in kinds
        if wrong_bool or not isinstance(value, kinds):
            raise ValueError(f"{field.name}: {value!r} is not accepted; {field.type}")


def at_least(name: str, value: float, low: float) -> None:
    """Refuses values below `low`."""
    if not value >= low:
        raise ValueError(f"{name}: {value!r} is not accepted; at least {low}")


def above(name: str, value: float, low: float) -> None:
    """Refuses values that are not greater than `low`."""
    if not value > low:
        raise ValueError(f"{name}: {value!r} is not accepted; more than {low}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuses values outside `[low, high]`."""
    if not low <= value <= high:
        raise ValueError(f"{name}: {value!r} is not accepted; {low} to {high}")


def one_of(name: str, value: Any, accepted: Any) -> None:
    """Refuses values that are not in `accepted`."""
    if value not in accepted:
        names = ", ".join(str(x) for x in accepted)
        raise ValueError(f"{name}: {value!r} is not known; accepted: {names}")
