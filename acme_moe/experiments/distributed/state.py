"""What the coordinator keeps on disk for itself and for those who restart nodes.

Supervisors read it, so it imports nothing heavy.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
from pathlib import Path
from typing import Any

_FILE = "coordinator.json"


class Phase(enum.Enum):
    """How far a run is; see `coordinator`."""

    RUNNING = "running"
    DRAINING = "draining"
    EVALUATING = "evaluating"
    SAVING = "saving"
    ENDED = "ended"


@dataclasses.dataclass(frozen=True)
class State:
    """The coordinator's state.

    Attributes:
      token: of the launch that it belongs to.
      phase: of the run.
      outcome: how the run ends, or has ended.
      facts: fields of `acme_moe.experiments.facts.Facts`.
      starts: how often each node was started in this launch.
    """

    token: str
    phase: Phase
    outcome: str
    facts: dict[str, Any]
    starts: dict[str, int]


def write(workdir: Path, state: State) -> None:
    """Replaces the state on disk."""
    fields = {**dataclasses.asdict(state), "phase": state.phase.value}
    temporary = workdir / f"{_FILE}.unfinished"
    temporary.write_text(json.dumps(fields, indent=2) + "\n")
    os.replace(temporary, workdir / _FILE)


def read(workdir: Path, token: str) -> State | None:
    """The state that this launch wrote last, None if it has not."""
    try:
        fields = json.loads((workdir / _FILE).read_text())
    except FileNotFoundError:
        return None
    if fields["token"] != token:
        return None
    return State(**{**fields, "phase": Phase(fields["phase"])})


def ended(workdir: Path, token: str) -> bool:
    """Whether this launch's run is over, so that no node is started again."""
    state = read(workdir, token)
    return state is not None and state.phase is Phase.ENDED
