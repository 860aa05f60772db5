"""The flags of a run: --config, --config.FIELD=VALUE and --workdir.

They are parsed in two steps, since the fields are known only once the config is: first
the flags that every run has, then those of its fields (`config_fields`).
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from absl import flags

from acme_moe.cli import config_fields
from acme_moe.cli.console import fail, parse_flags

if TYPE_CHECKING:
    from ml_collections import ConfigDict

    from acme_moe.runs.spec import RunSpec

SpecT = TypeVar("SpecT", bound="RunSpec")

_TRAINED_BY = {"OnlineRunSpec": "train", "OfflineRunSpec": "train_offline"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFlags:
    """The flags of a run, its fields not parsed yet.

    Attributes:
      config: a preset or a path; None for the run of `workdir`.
      workdir: the run's folder.
      fields: the program's name and its --config.FIELD=VALUE, not parsed yet.
      program: the words that started this program, without its flags.
    """

    config: str | None
    workdir: Path
    fields: Sequence[str]
    program: Sequence[str]

    @property
    def resume_command(self) -> str:
        """The command that resumes the run of `workdir`."""
        return shlex.join([*self.program, f"--workdir={self.workdir}"])

    def load_spec(self, kind: type[SpecT], *, resumes: bool = True) -> SpecT:
        """Returns the run spec, or ends the program with what is wrong.

        Args:
          kind: class of the runs that the command trains.
          resumes: whether a run in `workdir` is resumed, and so has to be the same.
        """
        from acme_moe.runs import config as config_lib
        from acme_moe.runs import tracking

        try:
            config = config_fields.set_fields(self._load_config(), self.fields)
            spec = config_lib.from_config_dict(config)
            spec.check_length()
            tracking.check_installed(spec.run.loggers)
            if resumes:
                config_lib.check_resumes(spec, self.workdir)
        except ValueError as error:
            fail(error)
        if not isinstance(spec, kind):
            other = _TRAINED_BY[type(spec).__name__]
            command = shlex.join(_beside(self.program, other))
            fail(f"agent: {spec.run.agent!r} is not accepted here; {command} trains it")
        return spec

    def _load_config(self) -> ConfigDict:
        from acme_moe.runs.config import load_config

        if self.config is not None:
            return load_config(self.config)
        own = self.workdir / "config.json"
        if not own.exists():
            raise ValueError(
                "config: is missing, and --workdir holds no run to resume; for example "
                "--config=dqn_atari"
            )
        return load_config(str(own))


def parse(
    argv: Sequence[str] | None, doc: str | None, *, default: str | None = None
) -> RunFlags:
    """Parses a run's flags and all others defined so far, but not its fields.

    Args:
      argv: the program's name and its arguments; None for the process's own.
      doc: says to --help what the command does.
      default: config where none is given; None for that of the run in --workdir.
    """
    config = flags.DEFINE_string(
        "config",
        default,
        "A preset such as dqn_atari, a .py file with get_config, or the config.json "
        "of a run. Fields are set as --config.FIELD=VALUE."
        + ("" if default else " Without it, the run in --workdir is resumed."),
    )
    workdir = flags.DEFINE_string("workdir", None, "Folder of the run.")
    argv = sys.argv if argv is None else argv
    rest = parse_flags(argv, doc, known_only=True)
    try:
        # Before what a misspelt one was to set is missed.
        for word in rest:
            if word.startswith("--"):
                config_fields.check_of_config(word.removeprefix("--").partition("=")[0])
    except ValueError as error:
        fail(error)
    if workdir.value is None:
        fail("workdir: is missing; the folder of the run, --workdir=DIR")
    return RunFlags(
        config=config.value,
        workdir=Path(workdir.value),
        fields=rest,
        program=_program(num_arguments=len(argv) - 1),
    )


def _program(num_arguments: int) -> list[str]:
    """Returns the words that started this program, without its arguments."""
    _, *words = sys.orig_argv[: len(sys.orig_argv) - num_arguments]
    if Path(words[0]).name == "acme-moe":
        # A script that names its interpreter.
        return [_short(words[0]), *words[1:]]
    return [_short(sys.executable), *words]


def _beside(program: Sequence[str], command: str) -> list[str]:
    """Returns the words that start a command in the way in which a program was started.

    A program of somebody else's, which has no such command beside it, tells no way.
    """
    *words, name = program
    other, is_command = re.subn(
        r"(?<![^./])(demo|train|train_offline)(?=(\.py)?$)", command, name
    )
    return [*words, other] if is_command else ["acme-moe", command]


def _short(path: str) -> str:
    """Returns a path relative to the working directory where that is inside it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
