"""What every command shares: its flags, listings, the end where a flag will not do."""

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from absl import app, flags, logging

from acme_moe import validation


def fail(message: object) -> NoReturn:
    """Ends the program with a message and the exit status of a usage error."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def show(text: str, end: str = "\n") -> None:
    """Prints a listing; a reader such as `head` may close the pipe early."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """Prints what nothing depends on; left out if it cannot be, as on a full disk."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def parse_flags(
    argv: Sequence[str] | None, doc: str | None, *, known_only: bool = False
) -> list[str]:
    """Parses the flags that are defined by now, or answers --help and exits.

    Args:
      argv: the program's name and its arguments; None for the process's own.
      doc: what --help says that the command does.
      known_only: whether to return unknown flags, which are refused otherwise.

    Returns:
      The program's name and the arguments that were not parsed.
    """
    _be_quiet()
    # Where a user's own parts may be, and where `python -m` looks as well.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    # Where absl looks for what --help says.
    sys.modules["__main__"].__doc__ = doc
    values = flags.FLAGS
    app.define_help_flags()
    for module, defined in values.flags_by_module_dict().items():
        if module.startswith(__package__):
            for flag in defined:
                # Or --help would not list it in a program that only calls this one.
                values.register_key_flag_for_module(sys.argv[0], flag)
    values.set_gnu_getopt(True)
    words = sys.argv if argv is None else argv
    # As `acme-moe -h`, too; absl's own short form is `-?`.
    words = ["--help" if word == "-h" else word for word in words]
    try:
        rest = values(words, known_only=known_only)
    except flags.IllegalFlagValueError as error:
        fail(_not_accepted(values, str(error)))
    except flags.Error as error:
        fail(error)
    if len(rest) > 1 and not known_only:
        fail(f"{rest[1]!r} is not a flag; --help names them")
    for flag in values.get_key_flags_for_module(sys.argv[0]):
        # As where a shell variable is not set: an empty path would be this folder.
        if flag.present and flag.value in ("", []):
            fail(f"{flag.name}: is missing; a value after --{flag.name}=")
    return rest


def _not_accepted(values: flags.FlagValues, message: str) -> str:
    """Returns absl's message on a wrong value, worded as those on run settings."""
    match = re.fullmatch(r"flag --(\w+)=(.*?): (.*)", message, re.DOTALL)
    if match is None:
        return message
    name, value, reason = match.groups()
    parser = values[name].parser
    what_would = (
        ", ".join(parser.enum_values)
        if isinstance(parser, flags.EnumParser)
        else parser.syntactic_help or reason
    )
    return str(validation.not_accepted(name, value, what_would))


def _be_quiet() -> None:
    """Silences what libraries say at their import."""
    # TensorFlow is only Reverb's transport here; its start-up remarks say nothing.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.use_absl_handler()
    logging.set_verbosity(logging.WARNING)
    # Acme imports gym, and gym prints that it is no longer maintained.
    with contextlib.suppress(ModuleNotFoundError):  # Without the extra `agents`.
        from gym_notices import notices

        notices.notices.clear()
