"""Checks of settings; each message names the field, the value and what is accepted."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

_KINDS = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
}


def not_accepted(name: str, value: Any, what_would: object) -> ValueError:
    """Returns the error of a value that will not do.

    Args:
      name: of the field.
      value: that it was given.
      what_would: be accepted, in words or numbers.
    """
    return ValueError(f"{name}: {value!r} is not accepted; {what_would}")


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
            raise not_accepted(field.name, value, field.type)


def at_least(name: str, value: float, low: float) -> None:
    """Refuses values below `low`."""
    if not value >= low:
        raise not_accepted(name, value, f"at least {low}")


def above(name: str, value: float, low: float) -> None:
    """Refuses values that are not greater than `low`."""
    if not value > low:
        raise not_accepted(name, value, f"more than {low}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuses values outside `[low, high]`."""
    if not low <= value <= high:
        raise not_accepted(name, value, f"{low} to {high}")


def one_of(name: str, value: Any, accepted: Iterable[Any], others: str = "") -> None:
    """Refuses values that are not in `accepted`, and names those that come close.

    Args:
      name: of the field.
      value: that it was given.
      accepted: all that would do, in the order in which they are listed.
      others: says in words what would do beside them.
    """
    accepted = list(accepted)
    if value in accepted:
        return
    names = [str(x) for x in accepted]
    question = _did_you_mean(str(value), names)
    raise ValueError(
        f"{name}: {value!r} is not known; accepted: {', '.join(names)}"
        + (f", or {others}" if others else "")
        + (f" ({question})" if question else "")
    )


def known_field(
    name: str, accepted: Iterable[str], prefix: str = "", *, kind: str = "field"
) -> None:
    """Refuses names that no field has, and suggests close ones.

    Args:
      name: of the field.
      accepted: names of all fields there.
      prefix: path to the field, with its last dot.
      kind: what it is, in words.

    Raises:
      ValueError: if it is none of them.
    """
    accepted = sorted(accepted)
    if name in accepted:
        return
    question = _did_you_mean(name, accepted)
    raise ValueError(
        f"{prefix}{name}: is not a {kind}; "
        + (f"{question} " if question else "")
        + f"accepted: {', '.join(accepted) or f'no {kind} below it'}"
    )


def _did_you_mean(name: str, accepted: Sequence[str]) -> str:
    """Returns a question that names what comes close, empty where nothing does."""
    close = difflib.get_close_matches(name, accepted, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else ""
