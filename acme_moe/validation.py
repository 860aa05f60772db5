"""Checks of settings; each message names the field, the value and what is accepted."""

from __future__ import annotations

import dataclasses
import difflib
import re
import sys
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_KINDS = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "None": (type(None),),
    "NoneType": (type(None),),
}
# Arrays, and other programs that read the JSON, cannot hold larger values.
_LARGEST = {int: 2**63 - 1, float: sys.float_info.max}
_TUPLE = re.compile(r"(?:typing\.)?[Tt]uple\[(\w+), \.\.\.\]")


def not_accepted(name: str, value: Any, what_would: object) -> ValueError:
    """Returns the error for a value that is not accepted.

    Args:
      name: name of the field.
      value: the value that it was given.
      what_would: what would be accepted, in words or numbers.
    """
    return ValueError(f"{name}: {value!r} is not accepted; {what_would}")


def check_types(config: Any) -> None:
    """Refuses a dataclass with a value that is not of its field's plain type.

    Raises:
      ValueError: names the first such field.
    """
    for field in dataclasses.fields(config):
        check_type(field, getattr(config, field.name))


def check_type(field: dataclasses.Field[Any], value: Any, prefix: str = "") -> None:
    """Refuses a value that is not of a field's type, if that type is a plain one.

    Plain are numbers, text, booleans and None, tuples of any length of one of these,
    and unions of all of them, however written. A list is taken for a tuple.

    Args:
      field: field of a dataclass.
      value: the value that it is to have.
      prefix: path to the field, including its trailing dot.

    Raises:
      ValueError: if the value is of another type, or is a number out of range.
    """
    kind = type_name(field)
    names = _members(kind)
    of_tuples = {match[1] for match in map(_TUPLE.fullmatch, names) if match}
    others = {name for name in names if not _TUPLE.fullmatch(name)}
    if not of_tuples | others <= _KINDS.keys():
        return
    is_tuple = bool(of_tuples) and isinstance(value, (list, tuple))
    for item in value if is_tuple else (value,):
        fault = _fault(item, of_tuples if is_tuple else others)
        if fault is not None:
            raise not_accepted(f"{prefix}{field.name}", value, f"{kind}{fault}")


def _fault(value: Any, names: set[str]) -> str | None:
    """Returns why a value is of none of the named types, None if it is of one."""
    kinds = tuple(plain for name in names for plain in _KINDS[name])
    wrong_bool = isinstance(value, bool) and bool not in kinds
    if wrong_bool or not isinstance(value, kinds):
        found = type(value)
        # A number of NumPy's looks like one that is accepted.
        foreign = found.__module__ != "builtins"
        return f", not {found.__module__}.{found.__name__}" if foreign else ""
    largest = _LARGEST[int if isinstance(value, int) else float]
    finite = not isinstance(value, (int, float)) or abs(value) <= largest
    return None if finite else ", finite"


def _members(kind: str) -> set[str]:
    """Returns the types that a type, as it is written, is a union of."""
    union = re.fullmatch(r"(?:typing\.)?(Optional|Union)\[(.*)\]", kind)
    if union is None:
        return {name.strip() for name in kind.split("|")}
    also = {"None"} if union[1] == "Optional" else set()
    return also.union(*(_members(name) for name in union[2].split(",")))


def check_mapping(name: str, value: Any) -> None:
    """Refuses a value that is not a mapping of names to values.

    Raises:
      ValueError: if it is none.
    """
    if not isinstance(value, Mapping):
        raise not_accepted(name, value, "fields and their values")


def type_name(field: dataclasses.Field[Any]) -> str:
    """Returns a field's type as it is written."""
    # Text where the dataclass's module postpones the evaluation of annotations. In
    # Python 3.10 `tuple[int, ...]` passes for a class.
    if isinstance(field.type, type) and typing.get_origin(field.type) is None:
        return field.type.__name__
    return str(field.type)


def missing(field: dataclasses.Field[Any], prefix: str) -> ValueError:
    """Returns the error for a field without a default that is not given."""
    return ValueError(f"{prefix}{field.name}: is missing; {type_name(field)}")


def at_least(name: str, value: float, low: float, why: str = "") -> None:
    """Refuses values below `low`, and NaN; `why` says what that limit is.

    Raises:
      ValueError: names the field, the value and what is accepted.
    """
    if not value >= low:
        reason = f", {why}" if why else ""
        raise not_accepted(name, value, f"at least {low}{reason}")


def above(name: str, value: float, low: float) -> None:
    """Refuses values that are not greater than `low`, and NaN.

    Raises:
      ValueError: names the field, the value and what is accepted.
    """
    if not value > low:
        raise not_accepted(name, value, f"more than {low}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuses values outside `[low, high]`, and NaN.

    Raises:
      ValueError: names the field, the value and what is accepted.
    """
    if not low <= value <= high:
        raise not_accepted(name, value, f"{low} to {high}")


def one_of(name: str, value: Any, accepted: Iterable[Any], others: str = "") -> None:
    """Refuses values that are not in `accepted`, and names those that come close.

    Args:
      name: name of the field.
      value: the value that it was given.
      accepted: all accepted values, in the order in which a message lists them.
      others: what else would be accepted, in words.

    Raises:
      ValueError: if the value is not in `accepted`.
    """
    accepted = list(accepted)
    if value in accepted:
        return
    names = [str(x) for x in accepted]
    question = did_you_mean(str(value), names)
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
      name: name to be checked.
      accepted: names of all fields there.
      prefix: path to the field, including its trailing dot.
      kind: word for such a field in the message.

    Raises:
      ValueError: if it is none of them.
    """
    accepted = sorted(accepted)
    if name in accepted:
        return
    question = did_you_mean(name, accepted)
    article = "an" if kind[0] in "aeiou" else "a"
    raise ValueError(
        f"{prefix}{name}: is not {article} {kind}; "
        + (f"{question} " if question else "")
        + f"accepted: {', '.join(accepted) or f'no {kind} below it'}"
    )


def did_you_mean(name: str, accepted: Sequence[str]) -> str:
    """Returns a question that suggests close names, empty if there are none."""
    close = difflib.get_close_matches(name, accepted, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else ""
