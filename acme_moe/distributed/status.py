"""What the coordinator keeps on disk of a launch: how far it is, whether it is over."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import Any

from acme_moe import files

_STATUS_FILE = "coordinator.json"


class Phase(str, enum.Enum):
    """The phases of a run, in order; see `acme_moe.distributed.coordinator`."""

    RUNNING = "running"
    DRAINING = "draining"
    EVALUATING = "evaluating"
    SAVING = "saving"
    ENDED = "ended"


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """What the coordinator keeps on disk, for itself and for those who restart nodes.

    Attributes:
      token: tells the launch that it belongs to from others.
      phase: phase of the run, a value of `Phase`.
      outcome: how the run ends, or has ended.
      state: fields of `acme_moe.runs.state.RunState`.
      starts: how often each node was started in this launch.
    """

    token: str
    phase: str
    outcome: str
    state: dict[str, Any]
    starts: dict[str, int]

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.phase == Phase.ENDED


def write_status(workdir: Path, status: RunStatus) -> None:
    """Replaces the status on disk."""
    # Written once a second, so not synced: if a crash leaves the file empty, the
    # checkpoints are enough.
    files.write_json(workdir / _STATUS_FILE, dataclasses.asdict(status), synced=False)


def read_status(workdir: Path, token: str) -> RunStatus | None:
    """Returns the status that this launch wrote last, None if it has not."""
    # A crash of the machine may leave an empty file.
    fields = files.read_json_if_whole(workdir / _STATUS_FILE)
    return RunStatus(**fields) if fields.get("token") == token else None


def ended(workdir: Path, token: str) -> bool:
    """Returns whether this launch's run is over, so that no node is started again."""
    status = read_status(workdir, token)
    return status is not None and status.ended
