"""Starts what runs in an interpreter that has dopamine-rl."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from absl import flags

from acme_moe import memory

PYTHON = flags.DEFINE_string("dopamine_python", None, "Interpreter with dopamine.")
_KEEP_FREED = flags.DEFINE_bool(
    "dopamine_keep_freed", False, "Let dopamine's process keep freed memory, too."
)


def start(script: str) -> subprocess.Popen[str]:
    """Starts a program of this folder that answers lines with lines.

    It has glibc's settings as they come, if not told otherwise by a flag.
    """
    assert PYTHON.value is not None
    kept = memory.VARIABLES if _KEEP_FREED.value else {}
    others = {k: v for k, v in os.environ.items() if k not in memory.VARIABLES}
    return subprocess.Popen(
        [PYTHON.value, str(Path(__file__).with_name(script))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**others, **kept},
    )
