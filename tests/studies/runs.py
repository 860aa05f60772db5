"""Planned runs, and run folders as a run would leave them."""

import json
import os
import subprocess

from acme_moe import processes
from acme_moe.studies.planned_runs import PlannedRun


def planned(name="arm/Pong/0", needs=None, **settings):
    return PlannedRun(
        name=name,
        arm=name.partition("/")[0],
        command="train",
        config="dqn_atari",
        settings={"game": "Pong", "network.moe": "soft", **settings},
        needs=needs,
    )


def write_run(folder, status="finished", steps=100, length=100, **config):
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "game": "Pong",
        "network": {"moe": "soft"},
        "max_agent_steps": length,
        **config,
    }
    (folder / "config.json").write_text(json.dumps(settings))
    summary = {"status": status, "agent_steps": steps, "wall_seconds": 50.0}
    (folder / "summary.json").write_text(json.dumps(summary))


def start(command, log, *, lock, cpus=None):
    """Starts any command as a sweep starts its runs, which are forks."""
    process = processes.start_logged(
        command, log, stdin=subprocess.DEVNULL, pass_fds=(lock,)
    )
    if cpus is not None:
        os.sched_setaffinity(process.pid, cpus)
    return process
