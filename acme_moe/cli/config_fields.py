"""The fields of a config as flags: --config.FIELD=VALUE."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from acme_moe import fields, validation

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_PARSERS: Mapping[type, flags.ArgumentParser[Any]] = {
    bool: flags.BooleanParser(),
    int: flags.IntegerParser(),
    float: flags.FloatParser(),
}


def set_fields(config: ConfigDict, argv: Sequence[str]) -> ConfigDict:
    """Returns a config with the fields that a command line sets.

    Args:
      config: flat config of a run.
      argv: the program's name and --config.FIELD=VALUE; nothing else is accepted.

    Raises:
      ValueError: names a field that is unknown, or what else is wrong. Values that are
        not of their field's type are left to the checks of a run spec.
    """
    from ml_collections import ConfigDict

    flat = dict(_follow_choices(config.to_dict(), argv))
    given = {}
    for path, texts, before in _given(flat, argv):
        given[path] = _read(texts, before)
        if isinstance(before, Mapping):
            validation.check_mapping(path, given[path])
    for path, value in fields.merged(given).items():
        fields.set_at(flat, path, value)
    return ConfigDict(flat)


def _follow_choices(flat: Mapping[str, Any], argv: Sequence[str]) -> Mapping[str, Any]:
    """Returns the config with the fields of the agent and parts that are named.

    The values of some fields decide which others there are. Apart from the name of the
    environment, these values are not set here, whatever the command line says of them.
    """
    from acme_moe.runs import choices

    named = flags.FlagValues()
    named.set_gnu_getopt(True)
    sections = sorted({path.split(".")[0] for path in choices.CHOICES if "." in path})
    for path in (*sections, *choices.CHOICES):
        flags.DEFINE_string(f"config.{path}", None, "", flag_values=named)
    try:
        named(argv, known_only=True)
    except flags.Error as error:
        raise ValueError(str(error)) from None
    given = {
        path: _literal(str(flag.value)) if path in sections else flag.value
        for path in (*sections, *choices.CHOICES)
        if (flag := named[f"config.{path}"]).present
    }
    return choices.with_choices(flat, fields.merged(given))


def _given(
    flat: Mapping[str, Any], argv: Sequence[str]
) -> list[tuple[str, list[str], Any]]:
    """Parses the flags of the fields.

    Returns:
      The path of each field that was given, what each of its flags says, and the value
      that it has in the config.

    Raises:
      ValueError: if something else was given.
    """
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    holders = []
    for path, value in _paths(flat):
        # Several times, as the elements of a tuple are given.
        holder = flags.DEFINE_multi_string(
            f"config.{path}", None, "", flag_values=values
        )
        values[holder.name].boolean = isinstance(value, bool)
        holders.append((path, holder, value))
    try:
        rest = values(argv)
    except flags.UnrecognizedFlagError as error:
        _refuse(error.flagname, flat)
    except flags.Error as error:
        raise ValueError(str(error)) from None
    if len(rest) > 1:
        raise ValueError(f"{rest[1]!r} is not a flag; --help names them")
    return [(path, texts, value) for path, x, value in holders if (texts := x.value)]


def _paths(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the path and value of every field, those of mappings included."""
    for name, value in settings.items():
        yield f"{prefix}{name}", value
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{name}.")


def check_of_config(flag: str) -> None:
    """Refuses a flag, given without its dashes, that is no field's and unknown.

    Raises:
      ValueError: names it, and what would be accepted.
    """
    if flag.partition(".")[0] not in ("config", "noconfig"):
        key_flags = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
        names = [flag.name for flag in key_flags]
        validation.known_field(flag, names, "--", kind="flag")


def _refuse(flag: str, here: Any) -> NoReturn:
    """Refuses a flag that no field has.

    Args:
      flag: the flag, without its dashes.
      here: flat config of the run.

    Raises:
      ValueError: names it, and what would be accepted in its place.
    """
    check_of_config(flag)
    _, *parts = flag.split(".")
    for depth, part in enumerate(parts):
        prefix = "".join(f"{parent}." for parent in parts[:depth])
        validation.known_field(part, here if isinstance(here, Mapping) else (), prefix)
        here = here[part]
    raise ValueError(f"--{flag}: is not a flag; --no is for boolean fields")


def _read(texts: Sequence[str], before: Any) -> Any:
    """Returns a field's value as the command line gives it.

    Args:
      texts: what each of the field's flags says; the last counts, for a tuple all do.
      before: value in the config, which tells the field's type.

    Returns:
      A value of that type, else any literal, else the text, which is left to
      whoever knows what is accepted.
    """
    from ml_collections.config_flags import tuple_parser

    *_, text = texts
    if isinstance(before, str):
        return text
    if isinstance(before, tuple):
        try:
            return sum(map(tuple_parser.TupleParser().parse, texts), ())
        except (SyntaxError, TypeError, ValueError):
            return text
    if type(before) in _PARSERS:
        with contextlib.suppress(ValueError):
            return _PARSERS[type(before)].parse(text)
    return _literal(text)


def _literal(text: str) -> Any:
    """Returns the value of a literal of Python's, or the text if it is none."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, ValueError):
        return text
