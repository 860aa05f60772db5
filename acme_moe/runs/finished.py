"""Runs that are over when they are asked for again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from absl import logging

from acme_moe import files
from acme_moe.runs.checkpoint import run_state
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.state import RunState


def find_finished(spec: RunSpec, workdir: Path) -> dict[str, Any] | None:
    """Returns the summary of the run of a folder if it is finished, with a warning.

    Only its summary and its last checkpoint are read: what else the run is made of,
    such as its dataset, can take minutes to read, or be gone.

    Args:
      spec: the run.
      workdir: its folder, which may be missing.

    Returns:
      See `finished_summary`.

    Raises:
      DamagedCheckpointError: if the folder has checkpoints, none of them whole.
      OtherStateError: if the checkpoint is of another version of the library.
    """
    if files.read_json_if_whole(workdir / "summary.json").get("status") != "finished":
        return None
    restored = Checkpoints(workdir / "checkpoints").latest(compare_replay=False)
    return finished_summary(spec, run_state(restored), workdir)


def finished_summary(
    spec: RunSpec, state: RunState, workdir: Path
) -> dict[str, Any] | None:
    """Returns the summary of a run that is finished, with a warning that it is.

    Args:
      spec: the run.
      state: its counts, of its last checkpoint.
      workdir: its folder.

    Returns:
      What `summary.json` holds; None if there is anything left to do, if only to write
      how the run has ended.
    """
    if not spec.is_done(state):
        return None
    # `config.json` goes on saying what was done, whatever is asked for now.
    logging.warning(
        "the run is finished after %d %s, and evaluated; only a longer one would do "
        "more, so its settings are not changed",
        spec.position(state),
        spec.unit,
    )
    summary = files.read_json_if_whole(workdir / "summary.json")
    return summary if summary.get("status") == "finished" else None
