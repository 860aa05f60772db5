"""The file of a plan, `study.json` in the folder of its runs.

From it a report knows what the runs are for and which are missing. It says nothing of
how far they are: that is told by their folders alone (`acme_moe.studies.state`).
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from acme_moe import disk, files, folder_lock
from acme_moe.studies.plan import Plan, PlannedArm
from acme_moe.studies.study import StudyAgent

FILE_NAME = "study.json"
_LOCK_NAME = "study.lock"


def write_plan(plan: Plan, workdir: Path) -> None:
    """Writes `study.json`.

    Sweeps of one folder may each ask for some of its games and seeds: those that are
    in the file already stay in it, so that a report shows the runs of all. So do arms
    that the study no longer has, if any run of theirs was begun.

    Raises:
      ValueError: if the folder holds another study, or this one at another scale.
      DiskError: if it cannot be written.
    """
    with disk.writing(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        # Several sweeps may start on one folder at once.
        while (lock := folder_lock.take(workdir / _LOCK_NAME)) is None:
            time.sleep(0.01)
    try:
        if (workdir / FILE_NAME).exists():
            plan = _with_earlier(plan, read_plan(workdir), workdir)
        files.write_json(workdir / FILE_NAME, dataclasses.asdict(plan))
    finally:
        os.close(lock)


def check_plan(plan: Plan, workdir: Path) -> None:
    """Refuses a folder with the runs of another study, or at another scale.

    Raises:
      ValueError: if the folder has such runs; names both.
    """
    if (workdir / FILE_NAME).exists():
        _check_same(plan, read_plan(workdir), workdir)


def _check_same(plan: Plan, there: Plan, workdir: Path) -> None:
    if (there.study, there.scale) != (plan.study, plan.scale):
        raise ValueError(
            f"workdir: {workdir} holds {there.study} at scale {there.scale!r}; "
            f"another folder for {plan.study} at scale {plan.scale!r}"
        )


def _with_earlier(plan: Plan, there: Plan, workdir: Path) -> Plan:
    """Returns a plan whose arms have the games and seeds that they had before, too."""
    _check_same(plan, there, workdir)
    # Arms in two panels may have one name, and games of their own.
    earlier = {(arm.panel, arm.name): arm for arm in there.arms}
    by_name = {arm.name: arm for arm in there.arms}

    def merged(arm: PlannedArm) -> PlannedArm:
        other = earlier.get((arm.panel, arm.name)) or by_name.get(arm.name, arm)
        return dataclasses.replace(
            arm,
            games=tuple(dict.fromkeys((*other.games, *arm.games))),
            seeds=tuple(sorted({*other.seeds, *arm.seeds})),
        )

    names = {arm.name for arm in plan.arms}
    places = {(arm.panel, arm.series, arm.x) for arm in plan.arms}

    def kept(arm: PlannedArm) -> PlannedArm:
        # An arm with new settings may have its place.
        if (arm.panel, arm.series, arm.x) in places:
            return dataclasses.replace(arm, series=f"{arm.series} ({arm.name})")
        return arm

    dropped = [
        kept(arm)
        for arm in there.arms
        if arm.name not in names and (workdir / arm.name).exists()
    ]
    return dataclasses.replace(plan, arms=(*map(merged, plan.arms), *dropped))


def read_plan(workdir: Path) -> Plan:
    """Reads `study.json`.

    Raises:
      FileNotFoundError: if the folder has none.
      ValueError: if it is not what `write_plan` writes.
    """
    path = workdir / FILE_NAME
    fields = files.read_json(path)
    try:
        return Plan(**{**fields, "arms": tuple(_read_arms(fields["arms"]))})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: is not a plan of a study ({error})") from error


def _read_arms(arms: Sequence[Mapping[str, Any]]) -> Iterator[PlannedArm]:
    for arm in arms:
        yield PlannedArm(
            **{
                **arm,
                "agent": StudyAgent(**arm["agent"]),
                "games": tuple(arm["games"]),
                "seeds": tuple(arm["seeds"]),
            }
        )
