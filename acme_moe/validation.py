"""Checks of settings; each message names the field, the value and what is accepted."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

_KINDS = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "float | None": (int, float, type(None)),
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


def known_field(name: str, accepted: Iterable[str], prefix: str = "") -> None:
    """Refuses names that no field has, and suggests close ones.

    Args:
      name: of the field.
      accepted: names of all fields there.
      prefix: path to the field, with its last dot.

    Raises:
      ValueError: if it is none of them.
    """
    accepted = sorted(accepted)
    if name in accepted:
        return
    close = difflib.get_close_matches(name, accepted, n=3, cutoff=0.5)
    raise ValueError(
        f"{prefix}{name}: is not a field; "
        + (f"did you mean {', '.join(close)}? " if close else "")
        + f"accepted: {', '.join(accepted) or 'no field below it'}"
    )
