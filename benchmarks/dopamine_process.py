"""Requests to a process of an interpreter that has dopamine-rl, and their answers.

Each is a line of JSON. The other interpreter, which does not have this library, imports
this module as well, for `serve`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from absl import flags
from dopamine_release import StandIns

PYTHON = flags.DEFINE_string("dopamine_python", None, "Interpreter with dopamine.")
_KEEP_FREED = flags.DEFINE_bool(
    "dopamine_keep_freed", False, "Let dopamine's process keep freed memory, too."
)

# Dopamine may print other lines.
_ANSWER = "answer "


class Worker:
    """A program of this folder in the other interpreter, which answers requests.

    It has glibc's settings as they come, if not told otherwise by a flag.
    """

    def __init__(self, script: str) -> None:
        from acme_moe import memory

        assert PYTHON.value is not None
        kept = memory.VARIABLES if _KEEP_FREED.value else {}
        others = {k: v for k, v in os.environ.items() if k not in memory.VARIABLES}
        self._process = subprocess.Popen(
            [PYTHON.value, str(Path(__file__).with_name(script))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**others, **kept},
        )

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Returns the answer to a request.

        Raises:
          RuntimeError: if the process ends without one.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return json.loads(line.removeprefix(_ANSWER))
        raise RuntimeError("dopamine's process ended; its error stands above")

    def close(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait()


def serve(answer: Callable[[dict[str, Any]], Any]) -> None:
    """Answers requests until standard input ends: what a worker does."""
    sys.meta_path.append(StandIns())
    for line in sys.stdin:
        print(_ANSWER + json.dumps(answer(json.loads(line))), flush=True)
