"""What several benchmarks do: random play, memory, logs of runs, small runs."""

from __future__ import annotations

import csv
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dm_env
import numpy as np


def random_play(
    environment: Any, steps: int
) -> Iterator[tuple[np.int32, dm_env.TimeStep]]:
    """Yields actions and what follows them; that of an episode's first is not taken."""
    rng = np.random.default_rng(0)
    num_actions = environment.action_spec().num_values
    timestep = None
    for _ in range(steps):
        action = np.int32(rng.integers(num_actions))
        if timestep is None or timestep.last():
            timestep = environment.reset()
            yield action, timestep
        timestep = environment.step(action)
        yield action, timestep


def add_play(adder: Any, play: Iterable[tuple[np.int32, dm_env.TimeStep]]) -> float:
    """Adds what was played; returns the seconds in the adder's `add`."""
    seconds = 0.0
    for action, timestep in play:
        if timestep.first():
            adder.add_first(timestep)
            continue
        start = time.perf_counter()
        adder.add(action, timestep)
        seconds += time.perf_counter() - start
    return seconds


def resident_bytes() -> int:
    """Returns the memory of this process."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file but for one that is cut; none without a file."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return [row for row in csv.DictReader(stream) if None not in row.values()]


def start_small_run(
    kind: str, workdir: Path, *settings: str, num_actors: int
) -> subprocess.Popen[bytes]:
    """Starts, or resumes, a run with a small network on MinAtar's Breakout.

    Args:
      kind: `one` process with Reverb, `seeded` replay, or `many` processes.
      workdir: its folder; it logs to the file beside it.
      *settings: further arguments.
      num_actors: of many processes.
    """
    from acme_moe.processes import start_logged

    command, *more = {
        "one": ("train",),
        "seeded": ("train", "--config.replay.seeded=true"),
        "many": ("train_distributed", f"--num_actors={num_actors}"),
    }[kind]
    return start_logged(
        [
            *(sys.executable, "-m", f"acme_moe.cli.{command}", *more),
            *("--config=dqn_minatar", f"--workdir={workdir}"),
            *("--config.network.moe=soft", "--config.network.num_experts=2"),
            *("--config.network.expert_width=16", "--config.batch_size=8"),
            *settings,
        ],
        workdir.with_suffix(".log"),
        append=True,
    )
