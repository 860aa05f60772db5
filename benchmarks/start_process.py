"""A run as `acme-moe train` starts it, which records when each stage ended.

    python benchmarks/start_process.py FILE --config=dqn_atari --workdir=DIR ...

`benchmarks/start.py` starts it. It ends after the second update and writes to FILE, as
JSON, the seconds of the system's monotonic clock at the end of each stage.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acme_moe.cli import outcome, train

_OUT = Path(sys.argv[1])
_ends: dict[str, float] = {"interpreter": time.monotonic()}


def _note(stage: str) -> None:
    _ends.setdefault(stage, time.monotonic())


def _noting(owner: Any, name: str, stage: str) -> None:
    """Notes the end of a function's first call."""
    function: Callable[..., Any] = getattr(owner, name)

    def noting(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        _note(stage)
        return result

    setattr(owner, name, noting)


def _train(*args: Any) -> int:
    """Trains, with everything noted, in place of `outcome.train`."""
    _note("imports")
    import jax

    from acme_moe.learning.learner import Learner
    from acme_moe.runs import run
    from acme_moe.runs.online import OnlineRun

    _noting(run, "Parts", "environment")
    _noting(OnlineRun, "_make_data", "replay server")
    _noting(run, "LearnerSession", "parameters")
    _noting(OnlineRun, "__init__", "actor")
    step = Learner.step

    def noting_step(learner: Learner) -> None:
        _note("warm-up")
        update = learner._update

        def noting_update(*arguments: Any) -> Any:
            _note("compile")
            return update(*arguments)

        learner._update = noting_update
        started = time.monotonic()
        step(learner)
        jax.block_until_ready(learner.state)
        learner._update = update
        if "update" not in _ends:
            _note("update")
            return
        _ends["an update alone"] = time.monotonic() - started
        _OUT.write_text(json.dumps(_ends))
        os._exit(0)

    Learner.step = noting_step  # type: ignore[method-assign, assignment]
    return _outcome_train(*args)


_outcome_train = outcome.train
outcome.train = _train  # type: ignore[assignment]

if __name__ == "__main__":
    sys.exit(train.main([sys.argv[0], *sys.argv[2:]]))
