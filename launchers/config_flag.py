"""The --config flag of the launchers, and errors that say what would do.

Imports nothing of `acme_moe`, so that --help answers at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import console
from absl import app, flags
from console import fail
from ml_collections import ConfigDict, config_flags

_ROOT = Path(__file__).resolve().parent.parent
_FROM_JSON = _ROOT / "configs" / "from_json.py"

CONFIG = config_flags.DEFINE_config_file(
    "config",
    help_string=(
        "Config file such as configs/dqn_atari.py, or the config.json of an earlier "
        "run. Fields are set as --config.FIELD=VALUE. Without it, the run in "
        "--workdir goes on."
    ),
)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)


def run(main: Callable[[], int | None], default: str | None = None) -> NoReturn:
    """Parses the flags, then calls `main` and exits with what it returns.

    Args:
      main: the program.
      default: config file, relative to the repository, for where none is given;
        None to take that of the run in --workdir.
    """
    console.be_quiet()
    app.run(lambda _: main(), argv=_expand(sys.argv, default), flags_parser=_parse)
    sys.exit(0)  # app.run exits itself; this tells the type checker so.


def _expand(argv: list[str], default: str | None) -> list[str]:
    """Puts a config where none is given, and reads JSON as a config."""
    given = _value(argv, "config")
    if any(argument.lstrip("-").startswith("help") for argument in argv):
        return argv
    if given is None and default is not None:
        return [argv[0], f"--config={_ROOT / default}", *argv[1:]]
    workdir = _value(argv, "workdir")
    if given is None and workdir is not None:
        own = Path(workdir) / "config.json"
        if own.exists():
            return [argv[0], f"--config={_FROM_JSON}:{own}", *argv[1:]]
    if given is not None and not Path(given.partition(":")[0]).exists():
        there = ", ".join(
            sorted(f"configs/{p.name}" for p in _FROM_JSON.parent.glob("*.py"))
        )
        fail(f"--config: {given!r} does not exist; there are {there}")
    if given is not None and given.endswith(".json"):
        return [
            argv[0],
            f"--config={_FROM_JSON}:{given}",
            *_without(argv[1:], "config"),
        ]
    return argv


def _value(argv: list[str], name: str) -> str | None:
    for i, argument in enumerate(argv):
        flag, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and flag == name:
            if equals:
                return value
            return argv[i + 1] if i + 1 < len(argv) else None
    return None


def _without(argv: list[str], name: str) -> list[str]:
    kept, skip = [], False
    for argument in argv:
        if skip:
            skip = False
            continue
        flag, equals, _ = argument.lstrip("-").partition("=")
        if argument.startswith("-") and flag == name:
            skip = not equals
            continue
        kept.append(argument)
    return kept


def _parse(argv: list[str]) -> list[str]:
    try:
        rest = app.parse_flags_with_usage(argv)
        config = CONFIG.value
    except (AttributeError, KeyError):
        _explain_unknown(argv)
        raise
    except (OSError, ValueError) as error:
        fail(str(error))
    if len(rest) > 1:
        fail(
            f"{rest[1]!r} is not a flag; accepted: --config, --config.FIELD, --workdir"
        )
    if config is None:
        fail(
            "--config: is missing, and --workdir holds no run to continue; "
            "for example --config=configs/dqn_atari.py"
        )
    return rest


def _explain_unknown(argv: list[str]) -> None:
    """Ends with the fields that are accepted, if one of those given is not."""
    from acme_moe import validation

    path = _value(argv, "config")
    if path is None:
        return
    config = _load(path)
    for argument in argv:
        name = argument.lstrip("-").partition("=")[0]
        if not argument.startswith("-") or not name.startswith("config."):
            continue
        here: Any = config
        parts = name.split(".")[1:]
        for depth, part in enumerate(parts):
            if not isinstance(here, ConfigDict) or part not in here:
                prefix = "".join(f"{parent}." for parent in parts[:depth])
                names = list(here) if isinstance(here, ConfigDict) else []
                try:
                    validation.known_field(part, names, prefix)
                except ValueError as error:
                    fail(str(error))
            here = here[part]


def _load(path: str) -> ConfigDict:
    import importlib.util

    file, _, argument = path.partition(":")
    spec = importlib.util.spec_from_file_location("config_file", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config(argument) if argument else module.get_config()
